"""A history of ten thousand killmails, and a worker that is killed five times on the way: each is stored once."""

from __future__ import annotations

import asyncio

import asyncpg

from contracts.imports import ImportState
from sandbox.eve.killmails import Killmail
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, eventually
from settings import Settings
from temporal.connection import connect_temporal
from temporal.zkillboard_import import start_import
from tests.db.bodies import body, raw
from tests.logins import add_user

PILOT = 2_119_000_001
KILLMAILS = 10_000
FIRST = 100_000
LONG_AGO = 1_600_000_000.0
PAGE = "/api/{path}"
IN_THE_MIDDLE_OF_A_PAGE = (False, True, True, False, True)
"""Of each death: while a page is on its way, or when more killmails have come."""


def add_history(eve: SandboxEve) -> set[int]:
    """Ten thousand losses of years ago; only zKillboard lists them."""
    for number in range(KILLMAILS):
        killmail = body(FIRST + number, victim=PILOT, minute=number - 500_000)
        eve.world.killmails.add(
            Killmail(
                killmail["killmail_id"],
                f"{killmail['killmail_id']:040x}",
                LONG_AGO,
                (PILOT, None),
                (None, None),
                dict,
                raw=raw(killmail),
            )
        )
    return set(range(FIRST, FIRST + KILLMAILS))


async def test_ten_thousand_killmails_survive_five_deaths_of_the_worker(
    installation: Installation, settings: Settings, eve: SandboxEve, database_url: str
) -> None:
    history = add_history(eve)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        await add_user(pool, PILOT)
        client = await connect_temporal(settings)
        worker = await installation.start_worker()
        handle = await start_import(client, PILOT, ask_first=False, reason="test")
        here = asked = 0

        async def more_have_come() -> bool:
            return int(await pool.fetchval("SELECT count(*) FROM killmails")) > here

        async def a_page_is_on_its_way() -> bool:
            return len(eve.requests_of(PAGE)) > asked

        for in_the_middle in IN_THE_MIDDLE_OF_A_PAGE:
            await eventually(a_page_is_on_its_way if in_the_middle else more_have_come, "the worker to go on")
            worker.kill()
            here, asked = await pool.fetchval("SELECT count(*) FROM killmails"), len(eve.requests_of(PAGE))
            assert here < KILLMAILS, "the worker was killed too late to interrupt anything"
            worker = await installation.start_worker()

        account = await asyncio.wait_for(handle.result(), 120)
        assert (account.state, account.listed, account.new) == (ImportState.DONE, KILLMAILS, KILLMAILS)
        assert (account.pending, account.failed, account.unusable) == (0, 0, 0)
        rows = await pool.fetch(
            "SELECT k.killmail_id, count(p) AS people, count(DISTINCT b.killmail_id) AS bodies, bool_and(solo) AS solo"
            "  FROM killmails k JOIN participants p USING (killmail_id) JOIN killmail_bodies b USING (killmail_id)"
            " GROUP BY k.killmail_id"
        )
        assert {row["killmail_id"] for row in rows} == history
        assert {(row["people"], row["bodies"], row["solo"] is not None) for row in rows} == {(2, 1, True)}
        assert await pool.fetchval("SELECT count(*) FROM killmail_refs WHERE stored_at IS NOT NULL") == KILLMAILS
        assert eve.requests_of("/killmails/{killmail_id}/{killmail_hash}") == []
        newest = await client.get_workflow_handle(handle.id).describe()
        assert newest.run_id != handle.first_execution_run_id, "it went on in a new run, so the history stays short"
