"""Any process may die at any line: after a restart every killmail ESI listed is stored, exactly once."""

from __future__ import annotations

import json

import asyncpg
import pytest

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(latency_seconds=0.1)


async def test_a_worker_killed_in_the_middle_of_a_first_sync_loses_nothing(
    installation: Installation, pilot: Pilot, eve: SandboxEve, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    newcomer = eve.pilots[0]
    await installation.start_api()
    worker = await installation.start_worker()
    await pilot.log_in(newcomer.character_id)

    async def some_are_listed() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM killmail_refs"))

    await eventually(some_are_listed, "the first references")
    worker.kill()
    pending = await database.fetchval("SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL")
    assert pending, "the worker was killed too late to interrupt anything"
    await installation.start_worker()

    async def account_is_settled() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM users WHERE sync_state = 'ok'"))

    await eventually(account_is_settled, "the first sync to finish after the restart", seconds=120)
    await every_listed_killmail_is_stored_once(eve, newcomer.character_id, database)


async def every_listed_killmail_is_stored_once(
    eve: SandboxEve, character_id: int, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    listed = set(eve.listed_killmail_ids(character_id))
    stored = await database.fetch("SELECT killmail_id, body FROM killmails JOIN killmail_bodies USING (killmail_id)")
    assert {row["killmail_id"] for row in stored} == listed
    people = await database.fetch("SELECT killmail_id, count(*) AS people FROM participants GROUP BY killmail_id")
    attackers = {row["killmail_id"]: len(json.loads(row["body"])["attackers"]) for row in stored}
    assert {row["killmail_id"]: row["people"] - 1 for row in people} == attackers
    assert await database.fetchval("SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL") == 0
