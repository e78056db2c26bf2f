"""Corporations through their directors: real Temporal, Postgres, Redis and worker, and the sandbox EVE."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import orjson
import pytest
import redis.asyncio
from cryptography.fernet import Fernet
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from contracts.corporations import corporation_sync_id
from contracts.sync import SyncState, SyncStatus
from db.accounts.vault import TokenVault
from db.corporations.directors import follow, unfollow
from db.corporations.followed import account_corporations
from eve.esi.budget import Budget
from live import STREAM
from sandbox.eve.roster import Pilot
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.corporation_sync import (
    query_corporation_status,
    signal_corporation_sync,
    start_or_wake_corporation,
)
from temporal.handles import WorkflowNotRunning
from temporal.schedules import trigger_watchdog
from tests.fixtures.workers import Worker
from tests.logins import log_in_as_director as log_in
from tests.workflows.waiting import eventually

LIST = "/corporations/{corporation_id}/killmails/recent"
SPENT_BEFORE = 1700
"""By somebody else: what a corporation leaves to the pilots then begins 230 killmails on."""
ROLES = "/characters/{character_id}/roles"


@pytest.fixture
def directors(eve: SandboxEve) -> list[Pilot]:
    """Three of one corporation: the sandbox has two, so one gets the role."""
    corporation_id = eve.pilots[0].corporation_id
    members = [pilot for pilot in eve.pilots if pilot.corporation_id == corporation_id][:3]
    for member in members:
        eve.gain_role(member.character_id)
    return members


async def look(client: Client, pool: asyncpg.Pool, corporation_id: int) -> SyncStatus:
    """One more look at the list, past ESI's cache, until it is over."""
    await pool.execute("UPDATE corporations_followed SET killmail_list_fresh_until = NULL")
    before = (await query_corporation_status(client, corporation_id)).cycles
    await signal_corporation_sync(client, corporation_id, "sync_now")
    return await until(client, corporation_id, lambda status: status.cycles > before)


async def until(client: Client, corporation_id: int, condition: object) -> SyncStatus:
    status = SyncStatus()

    async def met() -> bool:
        nonlocal status
        try:
            status = await query_corporation_status(client, corporation_id)
        except (RPCError, WorkflowQueryFailedError):  # no worker answers, or its workflow task is tried again
            return False
        return bool(condition(status))  # type: ignore[operator]

    await eventually(met)
    return status


def ok(status: SyncStatus) -> bool:
    return status.state == SyncState.OK


async def missing(pool: asyncpg.Pool, eve: SandboxEve, corporation_id: int) -> set[int]:
    """What ESI lists to the corporation and is not here."""
    listed = {reference.killmail_id for reference in eve.corporation_references(corporation_id)}
    return listed - {row["killmail_id"] for row in await pool.fetch("SELECT killmail_id FROM killmails")}


async def all_is_here(pool: asyncpg.Pool, eve: SandboxEve, corporation_id: int) -> None:
    """Soon: a director's own sync may have taken over some of it, and be at it still."""

    async def nothing_is_missing() -> bool:
        return not await missing(pool, eve, corporation_id)

    await eventually(nothing_is_missing)


async def standings(pool: asyncpg.Pool) -> dict[int, str]:
    rows = await pool.fetch("SELECT character_id, standing FROM corporation_directors")
    return {row["character_id"]: row["standing"] for row in rows}


async def boards_told(settings: Settings) -> int:
    """How often it was told that others may see a board now."""
    async with redis.asyncio.from_url(settings.redis_url) as connection:
        entries: Any = await connection.xrange(STREAM)
    return [orjson.loads(fields[b"event"])["kind"] for _, fields in entries].count("boards")


async def test_three_directors_one_loses_the_role_one_is_sold_one_stays(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, directors: list[Pilot], worker: Worker
) -> None:
    del worker
    corporation_id = directors[0].corporation_id
    loser, sold, stays = (director.character_id for director in directors)
    for director in directors:
        account_id = await log_in(settings, pool, director)
        await follow(pool, director.character_id)
    told = await boards_told(settings)
    await start_or_wake_corporation(client, corporation_id, 900)
    status = await until(client, corporation_id, ok)
    assert status.last_listed == len(eve.corporation_references(corporation_id)) > 0
    await all_is_here(pool, eve, corporation_id)
    for _ in range(2):
        await look(client, pool, corporation_id)
    asked = [record.character_id for record in eve.requests_of(LIST)]
    assert set(asked) == {loser, sold, stays}, "their tokens take turns"
    assert [record.character_id for record in eve.requests_of(ROLES)] == asked, "the role is looked at before the list"
    assert await boards_told(settings) - told == 1 + 3, "of their alliance, then of each role, and of no look after"

    eve.add_fault("status", route=LIST, count=1, status=403, body={"error": "outage", "sso_status": 503})
    assert ok(await look(client, pool, corporation_id))
    assert set((await standings(pool)).values()) == {"good"}, "an outage of the SSO is nobody's fault"

    eve.lose_role(loser)
    eve.transfer(sold)
    await pool.execute("UPDATE users SET expires_at = now() WHERE character_id = $1", sold)
    for _ in range(3):
        eve.add_killmail(stays)
        eve.expire_lists()
        status = await look(client, pool, corporation_id)
        assert ok(status)
        await all_is_here(pool, eve, corporation_id)  # no gap, whoever's turn it was
    assert await standings(pool) == {loser: "role_lost", sold: "owner_changed", stays: "good"}
    [shown] = await account_corporations(pool, account_id)
    assert shown.message.startswith("Up to date"), "they are not asked to do anything"
    sentences = {one.character_id: one.message for one in shown.directors}
    assert "No longer a director" in sentences[loser]
    assert "Moved to another EVE account" in sentences[sold]
    assert "Active" in sentences[stays]
    refusals = [record.character_id for record in eve.requests_of(LIST) if record.status == 403 and not record.fault]
    assert refusals == [loser], "asked once, never again"

    eve.lose_role(stays)
    status = await look(client, pool, corporation_id)
    assert status.state == SyncState.NO_DIRECTOR
    assert "director" in status.message
    [shown] = await account_corporations(pool, account_id)
    assert (shown.state, shown.message) == (SyncState.NO_DIRECTOR, status.message)
    assert "No longer a director" in {one.character_id: one.message for one in shown.directors}[stays]
    calls = len(eve.requests)
    await signal_corporation_sync(client, corporation_id, "sync_now")
    assert (await query_corporation_status(client, corporation_id)).state == SyncState.NO_DIRECTOR
    assert len(eve.requests) == calls, "nobody to ask with: ESI is left alone"

    eve.gain_role(stays)
    eve.advance(3601)  # ESI's cache of the roles
    eve.add_killmail(stays)
    eve.expire_lists()
    await log_in(settings, pool, directors[2])
    await start_or_wake_corporation(client, corporation_id, 900)
    await until(client, corporation_id, ok)
    await all_is_here(pool, eve, corporation_id)


async def test_more_than_a_page_survives_the_worker_and_switching_off_ends_it(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    directors: list[Pilot],
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sandbox.eve.killmail_lists.PAGE_SIZE", 100)
    redis_client = redis.asyncio.from_url(settings.redis_url)
    budget = Budget(redis_client)
    director = directors[0]
    corporation_id = director.corporation_id
    eve.add_killmails(directors[1].character_id, 300)
    eve.spend_killmail_tokens(SPENT_BEFORE)
    await log_in(settings, pool, director)
    await follow(pool, director.character_id)
    await start_or_wake_corporation(client, corporation_id, 900)

    async def some_are_here() -> bool:
        return bool(await pool.fetchval("SELECT count(*) >= 50 FROM killmails"))

    await eventually(some_are_here)
    await worker.stop()
    assert await missing(pool, eve, corporation_id)
    worker.start()
    status = await until(client, corporation_id, lambda s: s.state == SyncState.RATE_LIMITED)
    assert status.last_listed > 300
    [bodies] = [bucket for bucket in await budget.buckets() if bucket.group == "killmail"]
    assert bodies.spent_by["backfill"] <= 0.6 * bodies.limit - SPENT_BEFORE, "the rest of the budget is the pilots'"

    async def goes_on_once_the_window_has_passed() -> bool:
        """An answer that was on its way at that moment writes the spent window down again."""
        state = (await until(client, corporation_id, lambda _: True)).state
        if state == SyncState.RATE_LIMITED:
            await redis_client.flushall()
            eve.forget_spending()
            await signal_corporation_sync(client, corporation_id, "sync_now")
        return state == SyncState.OK

    await eventually(goes_on_once_the_window_has_passed)
    await all_is_here(pool, eve, corporation_id)
    fetched = [record.path for record in eve.requests if record.route.startswith("/killmails/")]
    assert len(fetched) < 1.2 * len(set(fetched)), "what was stored before the stop is not fetched again"
    history = (await client.get_workflow_handle(corporation_sync_id(corporation_id)).fetch_history()).to_json()
    secrets = eve.issued_access_tokens() | eve.issued_refresh_tokens()
    assert not [secret for secret in secrets if secret in history]

    assert await unfollow(pool, corporation_id, [director.character_id])
    await start_or_wake_corporation(client, corporation_id, 900)
    async with asyncio.timeout(20):
        await client.get_workflow_handle(corporation_sync_id(corporation_id)).result()
    assert await pool.fetchval("SELECT sync_state FROM corporations_followed") == "removed"
    await redis_client.aclose()


async def test_the_watchdog_restores_a_corporation_and_tells_one_that_waits_of_a_director(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    directors: list[Pilot],
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del worker
    director = directors[0]
    corporation_id = director.corporation_id
    await log_in(settings, pool, director)
    await follow(pool, director.character_id)
    await trigger_watchdog(client)

    async def restored() -> bool:
        try:
            return ok(await query_corporation_status(client, corporation_id))
        except WorkflowNotRunning:
            await trigger_watchdog(client)
            return False

    await eventually(restored)
    # The role went, a member of the account's corporation left, and then the role came back without a word to us.
    member = directors[1]
    await log_in(settings, pool, member)
    moves_to = next(pilot.corporation_id for pilot in eve.pilots if pilot.corporation_id != corporation_id)
    everybody = eve.world.universe.characters
    moved_character = replace(everybody[member.character_id], corporation_id=moves_to)
    monkeypatch.setitem(everybody, member.character_id, moved_character)
    await pool.execute("UPDATE corporation_directors SET role_seen_at = now() - interval '2 hours'")
    eve.lose_role(director.character_id)
    eve.advance(3601)
    status = await look(client, pool, corporation_id)
    assert status.state == SyncState.NO_DIRECTOR
    assert [record.status for record in eve.requests_of(LIST)] == [200], "the role told it, and cost no refusal"
    moved = await pool.fetchval("SELECT corporation_id FROM users WHERE character_id = $1", member.character_id)
    assert moved == moves_to
    eve.gain_role(director.character_id)
    eve.advance(3601)
    await follow(pool, director.character_id)

    async def goes_on() -> bool:
        await trigger_watchdog(client)
        return ok(await query_corporation_status(client, corporation_id))

    await eventually(goes_on)


async def test_a_director_who_left_is_none_as_soon_as_another_is_looked_at(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    directors: list[Pilot],
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del worker
    stays, leaves, _ = directors
    corporation_id = stays.corporation_id
    for director in (stays, leaves):
        await log_in(settings, pool, director)
        await follow(pool, director.character_id)
    await start_or_wake_corporation(client, corporation_id, 900)
    await until(client, corporation_id, ok)
    moves_to = next(pilot.corporation_id for pilot in eve.pilots if pilot.corporation_id != corporation_id)
    everybody = eve.world.universe.characters
    moved = replace(everybody[leaves.character_id], corporation_id=moves_to)
    monkeypatch.setitem(everybody, leaves.character_id, moved)
    await pool.execute(
        "UPDATE corporation_directors SET role_seen_at = now() - interval '2 hours',"
        " used_at = CASE WHEN character_id = $1 THEN now() - interval '1 day' ELSE now() END",
        stays.character_id,
    )
    eve.advance(3601)
    assert ok(await look(client, pool, corporation_id))
    assert await standings(pool) == {stays.character_id: "good", leaves.character_id: "left"}


@pytest.mark.usefixtures("soon_again", "worker")
async def test_a_director_whose_key_is_lost_or_who_is_deleted_does_not_stop_the_others(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, directors: list[Pilot]
) -> None:
    corporation_id = directors[0].corporation_id
    for director in directors:
        await log_in(settings, pool, director)
        await follow(pool, director.character_id)
    await start_or_wake_corporation(client, corporation_id, 900)
    await until(client, corporation_id, ok)
    lost, deleted, good = (director.character_id for director in directors)
    sealed = TokenVault([Fernet.generate_key().decode()]).encrypt("under a key that is not here")
    await pool.execute("UPDATE users SET access_token = $2, refresh_token = $2 WHERE character_id = $1", lost, sealed)
    eve.add_fault("status", route=ROLES, path=f"/characters/{deleted}/", status=404, body={"error": "deleted"})
    await pool.execute(
        "UPDATE corporation_directors SET role_seen_at = NULL,"
        " used_at = now() - CASE WHEN character_id = $1 THEN interval '0' ELSE interval '1 hour' END",
        good,
    )
    eve.add_killmail(good)
    eve.expire_lists()
    assert ok(await look(client, pool, corporation_id))
    await all_is_here(pool, eve, corporation_id)
    assert set((await standings(pool)).values()) == {"good"}, "the key may come back, and ESI may be wrong"

    assert await unfollow(pool, corporation_id, [deleted, good])
    assert (await look(client, pool, corporation_id)).state == SyncState.MISCONFIGURED, "nobody else can be asked with"
