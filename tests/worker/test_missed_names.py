"""Killmails that nobody could name when they came have their names in the end, whatever brought them."""

from __future__ import annotations

import asyncpg
import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities import enrichment as room
from activities.enrichment import Enrichment
from contracts.universe import Described
from db.intake.arrivals import record_arrivals
from db.intake.naming_place import NAMED_BY_THEN
from db.intake.store import store_killmails
from eve.errors import Unavailable
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from live import LiveEvents
from redis_client import open_redis
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.schedules import trigger_watchdog
from tests.db.bodies import raw
from tests.fixtures.workers import StartWorker
from tests.workflows.waiting import eventually

NAMES, SYSTEMS = "/universe/names", "/universe/systems/{system_id}"
UNNAMED = """
SELECT count(DISTINCT id) FROM participants
CROSS JOIN LATERAL unnest(ARRAY[character_id, corporation_id, ship_type_id]) AS id
LEFT JOIN entities ON entity_id = id
WHERE id IS NOT NULL AND name IS NULL AND killmail_id = ANY ($1)
"""
AGE = "UPDATE killmails SET created_at = created_at - $2::interval WHERE killmail_id = ANY ($1)"


async def arrived(pool: asyncpg.Pool, eve: SandboxEve, pilot: int, count: int) -> list[int]:
    """Killmails of a pilot that were brought, of which nobody asked for the names."""
    references = eve.references(eve.pilots[pilot].character_id)[:count]
    stored = await store_killmails(pool, [raw(eve.killmail(one.killmail_id)) for one in references])
    await record_arrivals(pool, stored, silent=True)
    return stored


async def test_the_watchdog_has_them_named(
    pool: asyncpg.Pool, eve: SandboxEve, client: Client, start_worker: StartWorker
) -> None:
    await start_worker()
    killmail_ids = await arrived(pool, eve, 0, 5)
    await pool.execute(AGE, killmail_ids, NAMED_BY_THEN)

    async def are_named() -> bool:
        await trigger_watchdog(client)
        return bool(await pool.fetchval(UNNAMED, killmail_ids) == 0)

    await eventually(are_named)


async def test_what_esi_could_not_name_is_asked_for_again_and_nothing_twice(
    settings: Settings, pool: asyncpg.Pool, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "BATCH", 4)
    old, young = await arrived(pool, eve, 0, 10), await arrived(pool, eve, 1, 3)
    await pool.execute(AGE, old, NAMED_BY_THEN)
    async with open_session(settings) as session, open_redis(settings.redis_url) as events:
        esi = Esi(session, Budget(events), settings.esi_base_url, settings.eve_client_id)
        named = Enrichment(pool, esi, LiveEvents(events))

        async def go_on() -> Described:
            return await ActivityEnvironment().run(named.name_missed_killmails)

        eve.add_fault("status", route=NAMES, status=503)
        with pytest.raises(Unavailable):
            await go_on()
        assert await pool.fetchval("SELECT count(*) FROM killmail_naming") == 0
        eve.remove_faults()
        eve.add_fault("status", route=SYSTEMS, status=400)  # one that ESI does not take holds nobody up
        assert (await go_on()).told > 0
        eve.remove_faults()
        assert await pool.fetchval("SELECT count(*) FROM killmail_naming") == 1
        assert await pool.fetchval(UNNAMED, old) == 0
        assert await pool.fetchval(UNNAMED, young) > 0, "who brought them may be at it"
        asked = len(eve.requests)
        assert await go_on() == Described()
        assert len(eve.requests) == asked
        await pool.execute(AGE, young, NAMED_BY_THEN)
        await go_on()
        assert await pool.fetchval(UNNAMED, young) == 0
