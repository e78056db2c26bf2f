"""A worker, and an EVE whose zKillboard knows years that ESI does not list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from temporalio.client import Client

from contracts.imports import ImportState, ImportStatus
from db.pool import open_pool
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.connection import connect_temporal
from temporal.schedules import prepare_temporal
from worker_main import run_worker

Worker = Callable[[], Awaitable[None]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """zKillboard asked as fast as a test likes."""
    return settings.model_copy(update={"zkillboard_interval_seconds": 0.01})


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database_url) as opened:
        yield opened


@pytest.fixture
async def client(settings: Settings) -> Client:
    client = await connect_temporal(settings)
    await prepare_temporal(client)
    return client


@pytest.fixture
async def worker(settings: Settings, client: Client) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(settings, stop, client))
    yield
    stop.set()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 40)


async def add_user(pool: asyncpg.Pool, character_id: int, name: str = "Test Pilot") -> None:
    """A character that has logged in, whose own sync rests."""
    account_id = await pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
    await pool.execute(
        "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state)"
        " VALUES ($1, $2, $3, 'owner', '{}', 'revoked', 'needs_login')",
        character_id,
        account_id,
        name,
    )


def shows(state: ImportState) -> Callable[[ImportStatus], bool]:
    return lambda status: status.state is state


async def stored(pool: asyncpg.Pool) -> set[int]:
    return {row["killmail_id"] for row in await pool.fetch("SELECT killmail_id FROM killmails")}


def on_zkillboard(eve: SandboxEve, character_id: int) -> set[int]:
    """Every killmail the character is on and that is old enough."""
    youngest = eve.world.clock.now() - 300
    return {
        killmail.killmail_id
        for killmail in eve.world.killmails
        if killmail.time <= youngest
        and any(
            one.get("character_id") == character_id
            for one in (killmail.parsed()["victim"], *killmail.parsed()["attackers"])
        )
    }
