"""Postgres behind PgBouncer in transaction mode: a pool of ours, and migrations."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest

from db.connection import PoolerRefuses
from db.migrate import migrate, pending_revisions
from db.pool import open_pool
from tests.fixtures.pooler import SERVER_CONNECTIONS, needs_pgbouncer, pgbouncer

pytestmark = needs_pgbouncer
RENAME = "UPDATE login_events SET outcome = 'x' WHERE outcome = $1"
STILL_RUNS = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
BACKEND = "SELECT pg_backend_pid() + $1::int * 0"


async def test_a_pool_works_and_shares_the_servers_connections(pooled_url: str) -> None:
    async with await open_pool(pooled_url, max_size=20) as pool:
        backends = await asyncio.gather(*(pool.fetchval(BACKEND, number) for number in range(400)))
        assert 1 < len(set(backends)) <= SERVER_CONNECTIONS

        async def add(number: int) -> None:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("INSERT INTO login_events (outcome) VALUES ($1)", f"outcome {number}")
                await connection.execute(
                    "UPDATE login_events SET outcome = $2 WHERE outcome = $1", f"outcome {number}", "x"
                )

        await asyncio.gather(*(add(number) for number in range(100)))
        assert await pool.fetchval("SELECT count(*) FROM login_events WHERE outcome = 'x'") == 100


async def test_a_statement_that_takes_too_long_is_ended_on_the_server_too(pooled_url: str, pool: asyncpg.Pool) -> None:
    async with await open_pool(pooled_url, statement_timeout_seconds=1) as pooled:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            await pooled.execute("SELECT pg_sleep(60)")
        assert time.monotonic() - begun < 10
        assert await pooled.fetchval("SELECT 1") == 1
    async with asyncio.timeout(10):
        while await pool.fetchval(STILL_RUNS):  # noqa: ASYNC110 - the event is in Postgres
            await asyncio.sleep(0.01)


async def test_a_pooler_that_takes_our_settings_without_heeding_them_is_noticed(
    database_url: str, tmp_path: Path
) -> None:
    ignored = "statement_timeout, idle_in_transaction_session_timeout, jit"
    async with (
        pgbouncer(database_url, tmp_path, ignore_startup_parameters=ignored) as url,
        await open_pool(url, max_size=20) as pool,
    ):
        numbers = await asyncio.gather(*(pool.fetchval("SELECT $1::int", number) for number in range(200)))
        assert numbers == list(range(200))


async def test_migrations_run_through_it_one_at_a_time(postgres_url: str, tmp_path: Path) -> None:
    server = postgres_url.rpartition("/")[0]
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute("CREATE DATABASE migrated_through_a_pooler")
    try:
        async with pgbouncer(f"{server}/migrated_through_a_pooler", tmp_path) as url:
            pending = await pending_revisions(url)
            applied = await asyncio.gather(migrate(url), migrate(url), migrate(url))
            assert sorted(applied) == [[], [], pending]
            assert await pending_revisions(url) == []
    finally:
        await connection.execute("DROP DATABASE migrated_through_a_pooler WITH (FORCE)")
        await connection.close()


async def test_what_the_pooler_does_not_take_is_named(pooled_url: str) -> None:
    with pytest.raises(PoolerRefuses, match="search_path"):
        await open_pool(f"{pooled_url}?search_path=elsewhere")
