"""`Enrichment` and `NameRefresh` on a real Temporal server, with the worker of production and the sandbox's EVE."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest
import redis.asyncio
from click.testing import CliRunner
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

import cli
from activities.enrichment import Enrichment
from contracts.activities import DETAILS, NAME_MISSED
from contracts.sync import FailureType, NameEntities
from contracts.universe import ENRICHMENT_ID, EnrichmentReport
from db.intake.store import store_killmails
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from live import LiveEvents
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.connection import connect_temporal
from temporal.schedules import prepare_temporal
from temporal.universe import wake_enrichment
from tests.db.bodies import raw
from tests.workflows.conftest import Served
from tests.workflows.scripted import Scripted
from tests.workflows.stand_ins import failure
from tests.workflows.waiting import eventually
from worker_main import run_worker


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    """With a worker of ours behind it."""
    client = await connect_temporal(settings)
    await prepare_temporal(client)
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(settings, stop, client))
    yield client
    stop.set()
    await worker


async def test_naming_wakes_the_enrichment_and_refresh_names_is_a_command(
    client: Client, settings: Settings, eve: SandboxEve, pool: asyncpg.Pool
) -> None:
    references = eve.references(eve.pilots[0].character_id)[:5]
    ids = await store_killmails(pool, [raw(eve.killmail(one.killmail_id)) for one in references])
    async with open_session(settings) as session:
        events = redis.asyncio.from_url(settings.redis_url)
        esi = Esi(session, Budget(events), settings.esi_base_url, settings.eve_client_id)
        enrichment = Enrichment(pool, esi, LiveEvents(events), partial(wake_enrichment, client))
        await ActivityEnvironment().run(enrichment.describe_solar_systems, NameEntities(ids))
        await ActivityEnvironment().run(enrichment.name_entities, NameEntities(ids))
        await events.aclose()
    handle = client.get_workflow_handle(ENRICHMENT_ID, result_type=EnrichmentReport)
    async with asyncio.timeout(20):
        report = await handle.result()
    assert set(report.told) == {kind.name for kind in (*DETAILS, NAME_MISSED)}
    assert report.put_off == []
    assert await pool.fetchval("SELECT count(*) FROM corporation_details WHERE ticker IS NOT NULL") > 0
    assert await pool.fetchval("SELECT count(*) FROM details_wanted") == 0

    await pool.execute("UPDATE entities SET fetched_at = now() - interval '31 days'")
    variables = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "EVE_CLIENT_ID": settings.eve_client_id,
        "TOKEN_ENCRYPTION_KEYS": settings.token_encryption_keys[0].get_secret_value(),
    }
    result = await asyncio.to_thread(CliRunner().invoke, cli.main, ["refresh-names", "--json"], env=variables)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    names = await pool.fetchval("SELECT count(*) FROM entities")
    assert told == {"asked": names, "changed": 0, "unknown": 0, "complete": True}


async def test_a_kind_that_eve_cannot_tell_holds_up_no_other(temporal_client: Client, serve: Served) -> None:
    stand_ins = Scripted(answers={"describe_alliances": [failure(FailureType.UNAVAILABLE)]})
    await serve(temporal_client, stand_ins)
    await wake_enrichment(temporal_client)

    async def asked(kind: str, times: int) -> bool:
        return stand_ins.asked.count(kind) == times

    await eventually(lambda: asked("describe_characters", 1))
    await eventually(lambda: asked("describe_alliances", 1))
    await wake_enrichment(temporal_client)
    await eventually(lambda: asked("describe_characters", 2))
    assert await asked("describe_alliances", 1), "it waits for its own second try"
