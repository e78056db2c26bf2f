"""Somebody else spends from the same source address: we slow down, and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest
import redis.asyncio
from temporalio.client import Client

from activities.bodies import AT_ONCE
from eve.esi.budget import Budget
from eve.esi.budget_rules import NOT_OURS
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in
from tests.worker.budget.windows import missing
from tests.workflows.waiting import eventually, ok, until

THEIRS = "somebody else"


@pytest.fixture
async def redis_client(settings: Settings) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.from_url(settings.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def synced(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> int:
    """A pilot whose first sync is over, and who has 300 new killmails: live work, which keeps nothing back."""
    pilot = eve.pilots[0].character_id
    await start_worker()
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    eve.add_killmails(pilot, 300)
    eve.expire_lists()
    await pool.execute("UPDATE users SET killmail_list_fresh_until = NULL")
    return pilot


@pytest.fixture
async def other(eve: SandboxEve) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(eve.url, headers={"User-Agent": THEIRS}) as session:
        yield session


async def read_until_429(other: aiohttp.ClientSession, eve: SandboxEve) -> None:
    """Read one killmail again and again until nothing is left: with ten calls under way, at the end with one.

    Whoever spends the last tokens at once leaves us no time to hear of it, with twenty calls of ours under way.
    """
    reference = eve.references(eve.pilots[1].character_id)[0]
    path = f"/killmails/{reference.killmail_id}/{reference.killmail_hash}"

    async def read(until: int) -> None:
        left = until + 1
        while left > until:
            async with other.get(path) as answer:
                left = int(answer.headers["X-Ratelimit-Remaining"]) if answer.ok else until

    await asyncio.gather(*(read(until=200) for _ in range(10)))
    await read(until=-1)


def refusals(eve: SandboxEve) -> list[int]:
    """What our own requests got of 420 and 429."""
    ours = [record.status for record in eve.requests if record.user_agent != THEIRS]
    return [status for status in ours if status in (420, 429)]


async def all_is_here(pool: asyncpg.Pool, eve: SandboxEve, pilot: int) -> None:
    async def complete() -> bool:
        return not await missing(pool, eve, pilot)

    await eventually(complete)
    assert await pool.fetchval("SELECT count(*) FROM killmail_refs WHERE attempts > 0") == 0, "no killmail is to blame"


async def test_a_bucket_that_somebody_emptied_while_we_were_quiet_costs_one_429(
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    synced: int,
    other: aiohttp.ClientSession,
    redis_client: redis.asyncio.Redis,
) -> None:
    await read_until_429(other, eve)
    await redis_client.hset("killreport:{esi}:bucket:killmail:source-address", "heard", "0")  # it has been a while
    await signal_user_sync(client, synced, "sync_now")
    await all_is_here(pool, eve, synced)
    assert refusals(eve) in ([], [429]), "the one that told us, at most"


async def test_beside_somebody_who_reads_all_the_time_we_slow_down(
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    synced: int,
    other: aiohttp.ClientSession,
    redis_client: redis.asyncio.Redis,
) -> None:
    reading = asyncio.create_task(read_until_429(other, eve))
    await signal_user_sync(client, synced, "sync_now")

    async def noticed() -> bool:
        buckets = [bucket for bucket in await Budget(redis_client).buckets() if bucket.group == "killmail"]
        return any(bucket.spent_by.keys() & {*NOT_OURS} for bucket in buckets)

    await eventually(noticed)
    await all_is_here(pool, eve, synced)
    await reading
    # Most times none or one; where somebody takes the last while a batch is under way, that batch, and no second one.
    assert len(refusals(eve)) <= AT_ONCE
