"""Any process may die at any line: after a restart every killmail ESI listed is stored, exactly once."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from settings import running_environment
from tests.operations.running_up import RunningUp


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


@pytest.mark.xdist_group("up")
async def test_everything_killed_in_the_middle_of_a_first_sync_loses_nothing(tmp_path: Path) -> None:
    slow = {"SANDBOX_LATENCY_SECONDS": "0.1", "SANDBOX_KILLMAILS_PER_HOUR": "0"}
    before, after = RunningUp(tmp_path, variables=slow), RunningUp(tmp_path, variables=slow)
    try:
        await asyncio.to_thread(before.start().wait_until_ready)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            eve = running_environment(tmp_path / ".killreport")["ESI_BASE_URL"]
            async with session.get(f"{eve}/_sandbox/pilots") as answer:
                newcomer = (await answer.json())[0]
            await Pilot(before.url("Site"), session).log_in(newcomer["character_id"])
        await in_the_middle(tmp_path, newcomer["listed_killmails"])
        await asyncio.to_thread(before.kill_everything)

        await asyncio.to_thread(after.start().wait_until_ready)
        stored, people, pending = await settled(tmp_path)
        assert stored == newcomer["listed_killmails"]
        assert people == 0, "a killmail was stored without all its participants"
        assert pending == 0
        assert await asyncio.to_thread(after.stop, signal.SIGTERM) == 0
    finally:
        for up in (before, after):
            if hasattr(up, "process") and up.process.poll() is None:
                up.kill_everything()


async def in_the_middle(directory: Path, listed: int) -> None:
    """Wait until some but not all killmails are stored."""
    connection = await asyncpg.connect(running_environment(directory / ".killreport")["DATABASE_URL"])

    async def some_are_listed() -> bool:
        return int(await connection.fetchval("SELECT count(*) FROM killmail_refs")) == listed

    await eventually(some_are_listed, "the references")
    assert await connection.fetchval("SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL")
    await connection.close()


async def settled(directory: Path) -> tuple[int, int, int]:
    """Wait for the end of the first sync: killmails stored, killmails with participants missing, references pending."""
    connection = await asyncpg.connect(running_environment(directory / ".killreport")["DATABASE_URL"])

    async def account_is_settled() -> bool:
        return bool(await connection.fetchval("SELECT count(*) FROM users WHERE sync_state = 'ok'"))

    await eventually(account_is_settled, "the first sync to finish after the restart", seconds=120)
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM killmail_bodies),
               (SELECT count(*) FROM killmails k
                 WHERE k.attacker_count + 1 <>
                       (SELECT count(*) FROM participants p WHERE p.killmail_id = k.killmail_id)),
               (SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL)
        """
    )
    await connection.close()
    assert row is not None
    return row[0], row[1], row[2]
