"""Redis dies in the middle of a first sync and comes back empty: what it knew of the budget is learned anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.process import RunningPart, free_port
from sandbox.valkey import valkey
from settings import Settings
from temporal.user_sync import start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in
from tests.worker.budget.windows import WINDOW_SECONDS, missing
from tests.workflows.waiting import eventually

KILLMAILS = 400


class Redis:
    """A Redis of this test's own, which may die."""

    def __init__(self, directory: Path) -> None:
        self._part, self.url = valkey(directory, free_port())

    async def start(self) -> None:
        self._running = await RunningPart.start(self._part)

    def die(self) -> None:
        self._running.kill()

    async def stop(self) -> None:
        await self._running.stop()


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, window_seconds=WINDOW_SECONDS, latency_seconds=0.03, first_killmails=KILLMAILS)


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[Redis]:
    own = Redis(tmp_path)
    await own.start()
    yield own
    await own.stop()


@pytest.fixture
def redis_url(own_redis: Redis) -> str:
    return own_redis.url


async def test_a_first_sync_survives_and_esi_never_says_429(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    start_worker: StartWorker,
    own_redis: Redis,
) -> None:
    pilot = eve.pilots[0].character_id
    await start_worker()
    await log_in(settings, pool, pilot)
    eve.spend_killmail_tokens(2600)  # what is left is less than the sync wants
    await start_or_wake(client, pilot, 900)

    async def some_are_here() -> bool:
        return bool(await pool.fetchval("SELECT count(*) >= 50 FROM killmails"))

    await eventually(some_are_here)
    own_redis.die()
    assert await missing(pool, eve, pilot)
    await own_redis.start()

    async def complete() -> bool:
        return not await missing(pool, eve, pilot)

    await eventually(complete)
    assert [record.status for record in eve.requests if record.status in (420, 429)] == []
