"""What a refusal of ESI's says of a permission: nothing. The whole worker, against the sandbox EVE."""

from __future__ import annotations

from functools import partial

import asyncpg
import pytest
from temporalio.client import Client

from activities.access_tokens import AccessTokens
from contracts.corporations import corporation_sync_id
from contracts.sync import SyncState, SyncStatus, user_sync_id
from db.corporations.directors import follow
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.corporation_sync import start_or_wake_corporation
from temporal.user_sync import start_or_wake
from tests.cases import bug, case
from tests.fixtures.workers import StartWorker
from tests.logins import log_in, log_in_as_director
from tests.workflows.waiting import ok, until, until_corporation

LIST = "/characters/{character_id}/killmails/recent"
TOKEN = "/v2/oauth/token"
LOOKS = 5
"""After so many refusals in a row a pilot was once asked to log in again."""
OUTAGES = ("as in the case", "no reason that anybody has seen before")


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, first_killmails=3)


async def look(client: Client, pool: asyncpg.Pool, pilot: int) -> SyncStatus:
    """One whole look, past ESI's cache."""
    await pool.execute("UPDATE users SET killmail_list_fresh_until = NULL")
    handle = client.get_workflow_handle(user_sync_id(pilot))
    status: SyncStatus = await handle.execute_update("sync_now_and_wait", result_type=SyncStatus)
    return status


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_said_with_403_asks_nobody_to_log_in(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, outage: str
) -> None:
    body: object = {"error": outage}
    if outage == OUTAGES[0]:
        (rule,) = bug(case("403_with_sso_text"), "addrules")
        body = rule["json"]
    pilots = [pilot.character_id for pilot in eve.pilots[:3]]
    for pilot in pilots:
        await log_in(settings, pool, pilot)
        await start_or_wake(client, pilot, 900)
        await until(client, ok, pilot)
    logins = len(eve.requests_of(TOKEN))
    eve.add_fault("status", route=LIST, status=403, body=body)
    for _ in range(LOOKS):
        for pilot in pilots:
            status = await look(client, pool, pilot)
            assert (status.state, status.action) == (SyncState.DEGRADED, "sync_now")
    shown = await pool.fetch("SELECT token_state, sync_state FROM users")
    assert {tuple(row) for row in shown} == {("valid", "degraded")}
    assert len(eve.requests_of(TOKEN)) == logins, "fresh tokens: SSO would say nothing new"
    eve.remove_faults()
    # What the refusals cost is spent; the next look comes when its budget has something again.
    states = {(await look(client, pool, pilot)).state for pilot in pilots}
    assert states <= {SyncState.OK, SyncState.RATE_LIMITED}


@pytest.mark.usefixtures("worker")
async def test_a_permission_that_sso_says_is_withdrawn_ends_at_the_first_refusal(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0].character_id
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    eve.add_fault("status", route=LIST, status=403, body={"error": "Forbidden"})
    await pool.execute("UPDATE users SET expires_at = now() + interval '10 minutes'")
    assert (await look(client, pool, pilot)).state == SyncState.DEGRADED, "SSO was asked, and the permission stands"
    assert len(eve.requests_of(TOKEN)) == 2
    eve.revoke(pilot)
    await pool.execute("UPDATE users SET expires_at = now() + interval '10 minutes'")
    assert (await look(client, pool, pilot)).state == SyncState.NEEDS_LOGIN
    assert await pool.fetchval("SELECT token_state FROM users") == "revoked"


@pytest.mark.usefixtures("worker")
async def test_a_token_that_cannot_be_verified_costs_one_refresh_a_look(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0]
    eve.gain_role(pilot.character_id)
    await log_in_as_director(settings, pool, pilot)
    await start_or_wake(client, pilot.character_id, 900)
    await until(client, ok, pilot.character_id)
    await follow(pool, pilot.character_id)
    await start_or_wake_corporation(client, pilot.corporation_id, 900)
    await until_corporation(client, ok, pilot.corporation_id)
    eve.odd_tokens(pilot.character_id, kid="nobody-knows-it")
    await pool.execute("UPDATE users SET expires_at = now()")
    refreshes = len(eve.requests_of(TOKEN))
    assert (await look(client, pool, pilot.character_id)).state == SyncState.DEGRADED
    assert len(eve.requests_of(TOKEN)) == refreshes + 1
    await pool.execute("UPDATE corporations_followed SET killmail_list_fresh_until = NULL")
    handle = client.get_workflow_handle(corporation_sync_id(pilot.corporation_id))
    status = await handle.execute_update("sync_now_and_wait", result_type=SyncStatus)
    assert status.state == SyncState.DEGRADED
    assert len(eve.requests_of(TOKEN)) == refreshes + 2
    assert await pool.fetchval("SELECT token_state FROM users") == "valid", "its grant stands"
    assert await pool.fetchval("SELECT standing FROM corporation_directors") == "good"
    eve.odd_tokens(pilot.character_id)
    assert (await look(client, pool, pilot.character_id)).state == SyncState.OK


async def test_the_other_director_is_asked_while_one_cannot_be_refreshed(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    start_worker: StartWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("activities.opening.AccessTokens", partial(AccessTokens, patience_seconds=0.5))
    await start_worker()
    corporation_id = eve.pilots[0].corporation_id
    stuck, good = [pilot for pilot in eve.pilots if pilot.corporation_id == corporation_id][:2]
    for director in (stuck, good):
        eve.gain_role(director.character_id)
        await log_in_as_director(settings, pool, director)
        await follow(pool, director.character_id)
    # A worker lost its power in the middle of a refresh.
    await pool.execute("UPDATE users SET expires_at = now() WHERE character_id = $1", stuck.character_id)
    await pool.execute("UPDATE corporation_directors SET used_at = now() WHERE character_id = $1", good.character_id)
    await pool.execute(
        "INSERT INTO refresh_leases VALUES ($1, 'dead', now() + interval '1 hour', now(), NULL)", stuck.character_id
    )
    await start_or_wake_corporation(client, corporation_id, 900)
    await until_corporation(client, ok, corporation_id)
    asked = {record.character_id for record in eve.requests_of("/corporations/{corporation_id}/killmails/recent")}
    assert asked == {good.character_id}
    standings = await pool.fetch("SELECT standing FROM corporation_directors")
    assert [row["standing"] for row in standings] == ["good", "good"], "SSO's trouble is nobody's fault"
    await pool.execute("DELETE FROM refresh_leases")  # so that the worker need not wait for its end
