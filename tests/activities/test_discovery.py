"""What a look finds, what it costs, and whose it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from activities.errors import CharacterRemoved
from contracts.claimants import look_of
from contracts.sync import FetchKillmails, FinishRun
from db.intake.store import store_killmails
from eve.errors import AccessTokenRejected, DoubtfulRefusal, InvalidHash, RateLimited, Unavailable
from eve.esi.killmail_list import KillmailWalk
from tests.activities.looks import NEXT, discover, sync
from tests.activities.stand_in_eve import ENEMY, PILOT, World
from tests.db.bodies import body, raw


async def rows_written(pool: asyncpg.Pool) -> int:
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    # Each backend tells of its own writes when it is idle; the pool's are made to by closing them.
    await pool.expire_connections()
    written = await pool.fetchval(
        "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE schemaname = 'public'"
    )
    return int(written)


async def test_a_first_look_lists_claims_and_opens_a_run(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2, 3)
    found = await discover(world, first=True)
    assert (found.listed, found.new, found.killmail_ids) == (3, 3, [3, 2, 1])
    assert world.esi.access_tokens == ["first access"], "decrypted here, and only here"
    user = await world.user()
    assert user["sync_state"] == "first_sync"
    assert user["last_killmail_sync_at"] is not None
    run = await world.pool.fetchrow("SELECT * FROM sync_runs")
    assert run is not None
    assert (run["kind"], run["killmail_ids"], run["finished_at"]) == ("first", [3, 2, 1], None)
    assert world.live.changed == [PILOT]


async def test_an_idle_look_costs_one_304_and_one_written_row(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2, 3)
    await sync(world, first=True)
    world.esi.requests.clear()
    before = await rows_written(world.pool)
    found = await discover(world)
    assert await rows_written(world.pool) - before == 1
    assert world.esi.requests == ["list"]
    assert (found.unchanged, found.run_id, found.killmail_ids, found.listed) == (True, None, [], 3)
    user = await world.user()
    assert (user["sync_state"], user["sync_detail"]) == ("ok", '{"until": "2026-11-24T12:00:00+00:00"}')
    assert await world.pool.fetchval("SELECT count(*) FROM sync_runs") == 1


async def test_the_page_hears_when_all_is_well_again_and_nothing_when_it_was(world: World) -> None:
    await world.login()
    world.esi.happens(1)
    await sync(world, first=True)
    world.live.changed.clear()
    await discover(world)
    assert world.live.changed == []
    await world.pool.execute("UPDATE users SET sync_state = 'degraded'")
    await discover(world)
    assert world.live.changed == [PILOT]


async def test_a_list_that_is_still_fresh_is_not_asked_for(world: World) -> None:
    await world.login()
    world.esi.fresh_for = timedelta(minutes=5)
    world.esi.happens(1)
    await sync(world, first=True)
    looked_at = (await world.user())["last_killmail_sync_at"]
    world.esi.happens(2)
    world.esi.requests.clear()
    found = await discover(world, full=True)
    assert world.esi.requests == []
    assert not found.asked
    assert found.fresh_until is not None
    assert found.fresh_until > datetime.now(UTC) + timedelta(minutes=4)
    assert (await world.user())["last_killmail_sync_at"] == looked_at


async def test_new_killmails_alone_are_fetched_next_time(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2)
    await sync(world, first=True)
    world.esi.happens(3)
    found = await discover(world)
    assert (found.listed, found.new, found.killmail_ids) == (3, 1, [3])
    assert (await world.user())["sync_state"] == "syncing"


async def test_a_full_look_sends_no_etag_and_retries_what_was_given_up(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2)
    world.esi.bodies[2] = InvalidHash("no")
    await sync(world, first=True)
    await world.pool.execute("UPDATE killmail_refs SET parked_at = now(), attempts = 2 WHERE killmail_id = 2")
    assert (await discover(world)).killmail_ids == []
    found = await discover(world, full=True)
    assert not found.unchanged
    assert found.killmail_ids == [2]
    assert (await world.reference(2))["attempts"] == 0


async def test_two_users_find_the_same_killmails_in_the_same_moment(world: World) -> None:
    await world.login(PILOT)
    await world.login(ENEMY)
    world.esi.happens(*range(1, 201), seen_by=(PILOT, ENEMY), attackers=(ENEMY,))
    world.esi.lists[ENEMY].reverse()
    first, second = await asyncio.gather(discover(world, PILOT), discover(world, ENEMY))
    assert not set(first.killmail_ids) & set(second.killmail_ids)
    assert sorted(first.killmail_ids + second.killmail_ids) == list(range(1, 201))
    for found in (first, second):
        await world.run(world.bodies.fetch_killmails, FetchKillmails(found.killmail_ids))
    bodies = [request for request in world.esi.requests if request.startswith("killmail")]
    assert len(bodies) == len(set(bodies)) == 200
    assert {tuple(characters) for _, characters in world.live.stored} == {(PILOT, ENEMY)}, "both are told"


async def test_what_is_stored_already_is_not_fetched(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2)
    await store_killmails(world.pool, [raw(body(1))])
    found = await discover(world)
    assert found.killmail_ids == [2]
    assert (await world.reference(1))["stored_at"] is not None


async def test_a_failed_walk_writes_nothing(world: World) -> None:
    await world.login()
    world.esi.happens(1)
    await sync(world)
    world.esi.happens(2)
    before = [*await world.pool.fetch("SELECT * FROM killmail_lists"), await world.user()]
    for error in (Unavailable("half-way"), DoubtfulRefusal("no"), RateLimited(datetime.now(UTC))):
        world.esi.list_failure = error
        with pytest.raises(type(error)):
            await discover(world)
    assert [*await world.pool.fetch("SELECT * FROM killmail_lists"), await world.user()] == before
    world.esi.list_failure = None
    assert (await discover(world)).killmail_ids == [2]


@pytest.fixture
def rest_due_at(world: World, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Every walk ends before the list does; when the rest of the pages may be asked for."""
    later = datetime.now(UTC) + timedelta(minutes=7)
    whole = world.esi.character_killmails

    async def half(*asked: object) -> KillmailWalk:
        walk = await whole(*asked)  # type: ignore[arg-type]
        walk.rest_due_at = later
        return walk

    monkeypatch.setattr(world.esi, "character_killmails", half)
    return later


async def test_pages_the_budget_did_not_allow_are_asked_for_later(world: World, rest_due_at: datetime) -> None:
    await world.login()
    world.esi.happens(1)
    world.esi.fresh_for = timedelta(minutes=5)
    found = await discover(world)
    assert (found.killmail_ids, found.pending_until) == ([1], rest_due_at)
    assert (await world.user())["killmail_list_fresh_until"] is None


@pytest.mark.usefixtures("rest_due_at")
async def test_a_full_look_that_is_cut_short_retries_what_was_given_up(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2)
    world.esi.bodies[2] = InvalidHash("no")
    await sync(world, first=True)
    await world.pool.execute("UPDATE killmail_refs SET parked_at = now(), attempts = 2 WHERE killmail_id = 2")
    world.esi.lists[PILOT] = [1]  # 2 is on the page that is not read
    found = await discover(world, full=True)
    assert found.killmail_ids == [2]
    run = await world.pool.fetchrow("SELECT kind FROM sync_runs WHERE run_id = $1", found.run_id)
    assert run is not None
    assert run["kind"] == "incremental", "a list that was not walked to its end proves nothing"


async def test_an_expired_token_is_not_sent(world: World) -> None:
    await world.login(seconds=-5)
    with pytest.raises(AccessTokenRejected):
        await discover(world)
    assert world.esi.requests == []


async def test_an_unknown_character_is_removed(world: World) -> None:
    with pytest.raises(CharacterRemoved):
        await discover(world, 1)


async def test_an_interrupted_run_is_gone_on_with(world: World) -> None:
    await world.login()
    world.esi.happens(*range(1, 11))
    found = await discover(world, first=True)
    assert found.run_id is not None
    await world.run(world.bodies.fetch_killmails, FetchKillmails(found.killmail_ids[:4]))
    await world.run(world.runs.finish_run, FinishRun(found.run_id, PILOT, interrupted=True))
    assert (await world.user())["sync_state"] == "first_sync", "the pilot sees how far it is"

    again = await discover(world)
    assert again.run_id == found.run_id
    assert again.killmail_ids == [6, 5, 4, 3, 2, 1]
    assert again.unnamed_killmail_ids == [10, 9, 8, 7], "their naming may have been interrupted too"
    await world.run(world.bodies.fetch_killmails, FetchKillmails(again.killmail_ids))
    account = await world.run(world.runs.finish_run, FinishRun(found.run_id, PILOT, next_sync_at=NEXT))
    assert (account.new, account.stored, account.pending, account.failed) == (10, 10, 0, 0)
    user = await world.user()
    assert user["sync_state"] == "ok"
    assert user["first_synced_at"] is not None
    assert await world.pool.fetchval("SELECT count(*) FROM sync_runs WHERE finished_at IS NULL") == 0


async def test_a_look_that_died_before_anybody_heard_of_it_is_repeated(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2)
    unheard = await discover(world, first=True)
    again = await discover(world, first=True)
    assert (again.run_id, again.killmail_ids) == (unheard.run_id, [2, 1])
    assert (await world.user())["sync_state"] == "first_sync", "nothing is well before they are stored"


async def test_what_somebody_else_claimed_is_left_to_them_until_the_claim_ends(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2)
    await discover(world, first=True)
    await world.pool.execute("UPDATE killmail_refs SET claimed_by = 1")
    found = await discover(world)
    assert found.killmail_ids == []
    assert found.pending_until is not None
    assert found.pending_until < datetime.now(UTC) + timedelta(minutes=4)
    await world.pool.execute("UPDATE killmail_refs SET claimed_until = now()")
    assert (await discover(world)).killmail_ids == [2, 1]


async def test_a_pilot_does_not_wait_for_a_corporations_history(world: World) -> None:
    corporation_id = 98_000_001
    await world.login()
    await world.pool.execute("INSERT INTO corporations_followed (corporation_id) VALUES ($1)", corporation_id)
    world.esi.happens(*range(1, 7))
    await world.pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, claimed_by, claimed_until)"
        " SELECT n, lpad(to_hex(n), 40, '0'), $1, $1, now() + interval '3 minutes' FROM generate_series(1, 6) AS n",
        corporation_id,
    )
    await world.run(world.bodies.fetch_killmails, FetchKillmails([6, 5], claimed_by=look_of(corporation_id)))
    found = await discover(world, first=True)
    assert found.killmail_ids == [4, 3, 2, 1], "the corporation had asked for them, but not got to them"
    assert found.run_id is not None
    left = await world.run(
        world.bodies.fetch_killmails, FetchKillmails([6, 5, 4, 3, 2, 1], claimed_by=look_of(corporation_id))
    )
    assert (left.stored, left.already_stored) == (0, 2), "what is the pilot's now is left to them"

    # The budget is spent in the middle, and the list has not changed when it comes back.
    await world.run(world.bodies.fetch_killmails, FetchKillmails([4, 3], claimed_by=look_of(PILOT)))
    await world.run(world.runs.finish_run, FinishRun(found.run_id, PILOT, interrupted=True))
    await world.pool.execute(
        "UPDATE killmail_refs SET claimed_by = $1, claimed_until = now() + interval '3 minutes'"
        " WHERE stored_at IS NULL",
        corporation_id,
    )
    assert (await discover(world)).killmail_ids == [2, 1]
