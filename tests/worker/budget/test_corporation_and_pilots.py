"""A corporation's history has used its share of the budget: it waits, and the pilots do not."""

from __future__ import annotations

import asyncpg
import pytest
import redis.asyncio
from temporalio.client import Client

from contracts.sync import SyncState
from db.corporations.directors import follow
from eve.esi.budget import Budget
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.corporation_sync import query_corporation_status, start_or_wake_corporation
from temporal.user_sync import start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in, log_in_as_director
from tests.worker.budget.windows import missing
from tests.workflows.waiting import eventually, ok, until

SPENT_BEFORE = 1900
SHARE_LEFT = 3600 * 6 // 10 - SPENT_BEFORE


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, first_killmails=40)  # and ESI's own window: what is spent stays so


async def test_pilots_who_come_later_are_complete_while_the_corporation_waits(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> None:
    director = eve.pilots[0]
    absent, member = [p for p in eve.pilots[1:] if p.corporation_id == director.corporation_id][:2]
    stranger = next(p for p in eve.pilots[9:] if p.corporation_id != director.corporation_id)
    eve.add_killmails(absent.character_id, 200)
    eve.spend_killmail_tokens(SPENT_BEFORE)
    await start_worker()
    await log_in_as_director(settings, pool, director)
    await follow(pool, director.character_id)
    await start_or_wake_corporation(client, director.corporation_id, 900)

    async def corporation_waits() -> bool:
        status = await query_corporation_status(client, director.corporation_id)
        return status.state == SyncState.RATE_LIMITED

    await eventually(corporation_waits)
    for pilot in (stranger, member):
        eve.add_killmails(pilot.character_id, 40)
        await log_in(settings, pool, pilot.character_id)
        await start_or_wake(client, pilot.character_id, 900)
        await until(client, ok, pilot.character_id)
        assert not await missing(pool, eve, pilot.character_id)
    assert await corporation_waits()
    redis_client = redis.asyncio.from_url(settings.redis_url)
    [bodies] = [bucket for bucket in await Budget(redis_client).buckets() if bucket.group == "killmail"]
    await redis_client.aclose()
    assert 0 < bodies.spent_by["backfill"] <= SHARE_LEFT
    assert [record.status for record in eve.requests if record.status in (420, 429)] == []
