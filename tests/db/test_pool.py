from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.failures import DATABASE_FAILURES, database_is_away
from db.pool import open_pool
from db.pulse import DatabaseSilent, Pulse
from tests.fixtures.relay import relay
from tests.workflows.waiting import eventually


async def test_connections_say_who_they_are_and_do_not_wait_for_ever(pool: asyncpg.Pool) -> None:
    assert await pool.fetchval("SHOW application_name") == "killreport"
    assert await pool.fetchval("SHOW statement_timeout") == "30s"
    assert await pool.fetchval("SHOW timezone") == "UTC"


async def test_a_statement_that_takes_too_long_is_ended(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET LOCAL statement_timeout = '50ms'")
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(60)")
    # What one user left open is ended before the next one comes.
    assert await pool.fetchval("SHOW statement_timeout") == "30s"


async def test_json_travels_as_text(pool: asyncpg.Pool) -> None:
    assert await pool.fetchval("SELECT $1::jsonb", '{"a": 1}') == '{"a": 1}'


async def test_a_database_that_is_not_there_is_told_at_once(database_url: str) -> None:
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await open_pool(f"{database_url}_not_there")


async def test_the_first_connection_may_take_longer_than_silence_later_on(database_url: str) -> None:
    pulse = Pulse(patience_seconds=0.2)
    slow = [True]

    async def connect(*_: object, **options: Any) -> asyncpg.Connection:
        if slow:
            await asyncio.sleep(0.5)  # as on a crowded machine
        return await asyncpg.connect(database_url, **{k: v for k, v in options.items() if k != "connection_class"})

    pool = await pulse.create_pool(connect=connect, min_size=1, max_size=2)
    try:
        async with pool.acquire() as first:
            assert await first.fetchval("SELECT 1") == 1
            with pytest.raises(DatabaseSilent):
                await pool.fetchval("SELECT 1")
            slow.clear()
            assert await pool.fetchval("SELECT 1") == 1
    finally:
        await pool.close()


async def test_a_connection_whose_end_is_not_heard_of_yet_counts_as_away(database_url: str, pool: asyncpg.Pool) -> None:
    parts = urlsplit(database_url)
    async with relay(parts.port or 0) as between:
        between.withholds_ends = True
        there = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{between.port}").geturl()
        async with await open_pool(there, max_size=1) as cut:
            process = await cut.fetchval("SELECT pg_backend_pid()")
            await pool.execute("SELECT pg_terminate_backend($1)", process)
            await eventually(partial(_is_gone, pool, process))
            with pytest.raises(DATABASE_FAILURES) as failed:
                await cut.fetchval("SELECT 1")
            assert database_is_away(failed.value)
            assert await cut.fetchval("SELECT 1") == 1
            between.withholds_ends = False  # a pool that is closed waits for it


async def _is_gone(pool: asyncpg.Pool, process: int) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", process)
