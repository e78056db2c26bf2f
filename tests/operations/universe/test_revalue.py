"""`killreport revalue` against the whole worker, and the first prices of a new installation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
from click.testing import CliRunner

import cli
from contracts.values import PRICE_SNAPSHOT_ID
from db.intake.store import store_killmails
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.connection import connect_temporal
from temporal.schedules import prepare_temporal
from tests.db.bodies import body, raw
from tests.workflows.waiting import eventually
from worker_main import run_worker


@pytest.fixture
async def worker(settings: Settings, pool: asyncpg.Pool) -> AsyncIterator[None]:
    """Starts on killmails that were stored before there was any price."""
    await store_killmails(pool, [raw(body(number, minute=number * 720)) for number in range(1, 8)])
    client = await connect_temporal(settings)
    await prepare_temporal(client)
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(settings, stop, client))
    yield
    stop.set()
    await asyncio.wait_for(task, 30)


@pytest.mark.usefixtures("worker")
async def test_values_come_by_themselves_and_again_on_command(
    settings: Settings, pool: asyncpg.Pool, eve: SandboxEve
) -> None:
    async def valued() -> bool:
        return bool(await pool.fetchval("SELECT count(*) = 7 FROM killmails WHERE total_value > 0 AND solo"))

    await eventually(valued)
    listed = len(eve.world.universe.types)
    assert await pool.fetchval("SELECT listed FROM price_snapshots") == listed
    assert await pool.fetchval("SELECT count(*) FROM market_prices") == listed
    client = await connect_temporal(settings)
    schedule = await client.get_schedule_handle(PRICE_SNAPSHOT_ID).describe()
    assert [spec.hour[0].start for spec in schedule.schedule.spec.calendars] == [12]

    worth = await pool.fetchval("SELECT total_value FROM killmails WHERE killmail_id = 1")
    await pool.execute("UPDATE killmails SET total_value = 1 WHERE killmail_id IN (2, 5)")
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "EVE_CLIENT_ID": "killreport-tests",
        "TOKEN_ENCRYPTION_KEYS": settings.token_encryption_keys[0].get_secret_value(),
    }

    async def revalue(*options: str) -> tuple[int, int]:
        arguments = ["revalue", "--json", *options]
        result = await asyncio.to_thread(CliRunner().invoke, cli.main, arguments, env=environment)
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        return found["looked_at"], found["changed"]

    assert await revalue("--since", "2026-01-03") == (4, 1)
    assert await revalue() == (7, 1)
    assert await pool.fetchval("SELECT count(*) FROM killmails WHERE total_value = $1", worth) == 7
