"""Whole workers on the sandbox EVE, whose buckets give their tokens back within seconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from temporalio.client import Client

from db.pool import open_pool
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.connection import connect_temporal
from temporal.schedules import prepare_temporal
from worker_main import run_worker

BODY = "/killmails/{killmail_id}/{killmail_hash}"
WINDOW_SECONDS = 5


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(window_seconds=WINDOW_SECONDS)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database_url) as opened:
        yield opened


@pytest.fixture
async def client(settings: Settings) -> Client:
    client = await connect_temporal(settings)
    await prepare_temporal(client)
    return client


StartWorker = Callable[[], Awaitable[None]]


@pytest.fixture
async def start_worker(settings: Settings, client: Client) -> AsyncIterator[StartWorker]:
    """Start one more worker; each is its own process's worth of everything but the interpreter."""
    del client  # it has prepared the server
    stop = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:

        async def start() -> None:
            task = asyncio.create_task(run_worker(settings, stop, await connect_temporal(settings)))
            stack.push_async_callback(asyncio.wait_for, task, 30)

        yield start
        stop.set()


async def missing(pool: asyncpg.Pool, eve: SandboxEve, character_id: int) -> set[int]:
    """What ESI lists to the pilot and is not here."""
    stored = {row["killmail_id"] for row in await pool.fetch("SELECT killmail_id FROM killmails")}
    return set(eve.listed_killmail_ids(character_id)) - stored
