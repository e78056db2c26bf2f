from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from db.pool import open_pool
from db.pulse import DatabaseSilent, Pulse


async def test_connections_say_who_they_are_and_do_not_wait_for_ever(pool: asyncpg.Pool) -> None:
    assert await pool.fetchval("SHOW application_name") == "killreport"
    assert await pool.fetchval("SHOW statement_timeout") == "30s"
    assert await pool.fetchval("SHOW timezone") == "UTC"


async def test_a_statement_that_takes_too_long_is_ended(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = '50ms'")
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(60)")
    assert await pool.fetchval("SHOW statement_timeout") == "30s"  # a setting of one user is not the next one's


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
