"""Cases in which one odd thing of EVE's once stopped everything: the whole worker goes on, and tells of that thing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from temporalio.client import Client

from contracts.sync import SyncState, user_sync_id
from db.intake.references import UNUSABLE_HASH
from sandbox.eve.killmails import ListKind
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.process import free_port
from settings import Settings
from temporal.user_sync import query_status, signal_user_sync, start_or_wake
from tests.api.running_site import Browser, Site, open_browser, serve
from tests.cases import add, asked, bug, case, hash_of
from tests.logins import log_in
from tests.stored import count, stored
from tests.workflows.waiting import eventually, ok, until

BODY = "/killmails/{killmail_id}/{killmail_hash}"
pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with serve(settings.model_copy(update={"port": free_port()})) as running:
        yield running


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with open_browser(site) as opened:
        yield opened


@pytest.mark.usefixtures("soon_again")
async def test_dead_bodies_make_nobody_else_wait(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # ESI tells nothing of its limit with a 500, so that each of the dead is asked for alone.
    monkeypatch.setattr("eve.esi.budget.PROBE_LOOKS_SECONDS", (0.01, 0.01))
    steps = case("dead_bodies")
    added = [add(eve, step) for step in steps if "add" in step]
    eve.add_fault("status", route=BODY, status=500, path="/killmails/9111000", body={"error": "Action failed"})
    dead = {killmail_id for killmail_id in added if killmail_id < 911_100_100}
    assert len(dead) == 15
    for pilot in asked(steps, "login"):
        await log_in(settings, pool, pilot)
        await start_or_wake(client, pilot, 900)
    for pilot in asked(steps, "login"):
        await until(client, ok, pilot)
    assert await stored(pool) == set(added) - dead

    async def counted() -> bool:
        return await count(pool, "killmail_refs WHERE stored_at IS NULL AND attempts > 0") == len(dead)

    await eventually(counted)
    for _ in range(12):  # as the hours go by
        await pool.execute("UPDATE killmail_refs SET next_attempt_at = now() WHERE stored_at IS NULL")
        before = eve.requests_of(BODY)
        await client.get_workflow_handle(f"user-sync-{asked(steps, 'login')[0]}").execute_update("sync_now_and_wait")
        if await count(pool, "killmail_refs WHERE parked_at IS NOT NULL") == len(dead):
            break
        assert len(eve.requests_of(BODY)) > len(before)
    assert await count(pool, "killmail_refs WHERE parked_at IS NOT NULL") == len(dead)
    for pilot in asked(steps, "login"):
        assert (await query_status(client, pilot)).state == SyncState.OK


async def test_an_entry_without_hash_costs_only_itself(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    browser: Browser,
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = case("one_empty_hash_in_a_list")
    first, without_hash, third = [add(eve, step) for step in steps if "add" in step]
    ((pilot, query),) = asked(steps, "gql")
    account = await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    assert await stored(pool) == {first, third}
    await browser.sign_in(account)
    seen = await browser.data(query)
    assert seen["me"]["characters"][0]["syncStatus"]["state"] == "OK"
    assert {node["id"] for node in seen["killmails"]["nodes"]} == {str(first), str(third)}
    assert f"1 entries of the list of {pilot} are left out: without a hash that could be one" in caplog.text
    reason = await pool.fetchval("SELECT last_error FROM killmail_refs WHERE killmail_id = $1", without_hash)
    assert reason == UNUSABLE_HASH, "it is named, and given up until EVE lists its hash"


@pytest.mark.parametrize("eve_options", [SandboxOptions(strangers=60, zkillboard_bodies=False)])
async def test_a_hash_that_zkillboard_had_wrong_is_corrected_by_eve(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, browser: Browser
) -> None:
    steps = case("wrong_hash_first")
    (step,) = (step for step in steps if "add" in step)
    killmail_id = add(eve, step, zkillboard_hash=hash_of("wrong"))
    (right,) = bug(steps[-6:], "lists")["2119000201"][0]
    pilot = asked(steps, "login")[0]
    hidden = eve.references(pilot)
    assert [one.as_json() for one in hidden] == [right]
    eve.world.killmails.hide(ListKind.CHARACTER, pilot, hidden)
    account = await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    await browser.sign_in(account)
    start, link = (query for _, query in asked(steps, "gql"))
    assert (await browser.data(start.replace("import{state}", "userErrors{code}")))["startZkillboardImport"] == {
        "userErrors": []
    }

    async def refused() -> bool:
        return await count(pool, "killmail_refs WHERE last_error = 'InvalidHash'") == 1

    await eventually(refused)
    eve.world.killmails.show(ListKind.CHARACTER, pilot, hidden)
    eve.expire_lists()
    await pool.execute("UPDATE users SET killmail_list_fresh_until = now()")
    await signal_user_sync(client, pilot, "force_full_resync")

    async def here() -> bool:
        return await stored(pool) == {killmail_id}

    await eventually(here)
    assert right["killmail_hash"] == await pool.fetchval("SELECT killmail_hash FROM killmail_refs")
    assert (await browser.data(link))["addKillmail"] == {"killmail": {"id": str(killmail_id)}, "userErrors": []}


ALLIANCE = ("alliance", 99_100_902)


async def test_an_alliance_that_fails_for_ever_holds_up_no_other_details(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    steps = case("one_entity_500_for_ever")
    first, second = (step for step in steps if "add" in step)
    (rule,) = bug(steps, "addrules")
    eve.add_fault(
        "status", route="/alliances/{alliance_id}", status=rule["status"], body=rule["json"], path="/alliances/99100902"
    )
    (pilot,) = asked(steps, "login")
    for step in (first, second):
        add(eve, step)
        eve.expire_lists()
        await log_in(settings, pool, pilot)
        await pool.execute("UPDATE users SET killmail_list_fresh_until = now()")
        await start_or_wake(client, pilot, 900)
        # Waited for: the end of a look that is under way would say that the list is fresh, and the next not read it.
        await client.get_workflow_handle(user_sync_id(pilot)).execute_update("sync_now_and_wait")
        who = step["add"]["killmail"]["attackers"][0]["character_id"]

        async def described(who: int = who) -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM character_details WHERE character_id = $1", who))

        await eventually(described)

    async def nothing_else_waits() -> bool:
        # Nor does the alliance, once it has failed so often that it counts as unknown for now.
        return {tuple(row) for row in await pool.fetch("SELECT kind, id FROM details_wanted")} <= {ALLIANCE}

    await eventually(nothing_else_waits)
    assert not await pool.fetchval(
        "SELECT count(*) FROM alliance_details WHERE alliance_id = $1 AND misses = 0", ALLIANCE[1]
    )
    await until(client, ok, pilot)


async def test_a_faction_in_the_place_of_a_corporation_is_shown_as_one(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, browser: Browser
) -> None:
    steps = case("faction_as_corporation")
    (killmail_id,) = (add(eve, step) for step in steps if "add" in step)
    ((pilot, query),) = asked(steps, "gql")
    account = await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    await browser.sign_in(account)
    name = await pool.fetchval("SELECT name FROM entities WHERE entity_id = 500001")
    assert (await browser.data(query.replace("faction{id}", "faction{id name}")))["killmail"] == {
        "npc": True,
        "finalBlow": {"corporation": None, "faction": {"id": "500001", "name": name}},
    }
    status, page = await browser.get(f"/killmails/{killmail_id}")
    assert (status, name in page, "/corporations/500001" in page) == (200, True, False)
    assert [record.path for record in eve.requests if "500001" in record.path] == []
