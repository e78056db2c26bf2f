"""Every look that had something to do ends with an account in which no killmail is missing."""

from __future__ import annotations

import orjson

from contracts.sync import FinishRun, RunAccount
from db.syncs.run_account import account_of
from eve.errors import InvalidHash, Unavailable
from tests.activities.looks import discover, sync
from tests.activities.stand_in_eve import ENEMY, PILOT, World


def adds_up(account: RunAccount | None) -> RunAccount:
    assert account is not None
    assert account.listed == account.stored + account.pending + account.failed
    assert account.failed == sum(account.failures.values())
    return account


async def test_what_cannot_be_fetched_is_in_the_account_by_its_reason(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2, 3, 4, 5)
    world.esi.bodies[2] = InvalidHash("no")
    world.esi.bodies[3] = Unavailable("not now")
    account = adds_up(await sync(world, first=True))
    assert (account.listed, account.new, account.stored, account.pending, account.failed) == (5, 5, 3, 2, 0)

    await world.pool.execute("UPDATE killmail_refs SET next_attempt_at = now() WHERE killmail_id = 2")
    account = adds_up(await sync(world))
    assert (account.listed, account.new, account.stored, account.pending) == (5, 1, 3, 1)
    assert account.failures == {"InvalidHash": 1}
    run = await world.pool.fetchrow("SELECT * FROM sync_runs ORDER BY run_id DESC LIMIT 1")
    assert run is not None
    assert (run["listed"], run["stored"], run["pending"], run["failed"]) == (5, 3, 1, 1)
    assert orjson.loads(run["failures"]) == {"InvalidHash": 1}


async def test_a_killmail_that_is_listed_without_a_hash_is_named_and_comes_when_its_hash_does(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2, 3)
    world.esi.hashless = frozenset({2})
    account = adds_up(await sync(world, first=True))
    assert (account.listed, account.new, account.stored, account.failures) == (3, 2, 2, {"UnusableHash": 1})
    assert (await world.user())["sync_state"] == "ok"
    world.esi.requests.clear()
    await sync(world, full=True)
    assert not [request for request in world.esi.requests if request.startswith("killmail")], "nothing to ask with"
    world.esi.hashless = frozenset()
    account = adds_up(await sync(world))
    assert (account.listed, account.new, account.stored, account.failures) == (3, 1, 3, {})


async def test_a_full_look_that_finds_nothing_new_accounts_for_all_that_is_listed(world: World) -> None:
    await world.login()
    world.esi.happens(*range(1, 51))
    await sync(world, first=True)
    await world.pool.execute("UPDATE users SET last_full_sync_at = NULL")
    account = adds_up(await sync(world, full=True))
    assert (account.listed, account.new, account.stored) == (50, 0, 50)
    assert await world.pool.fetchval("SELECT kind FROM sync_runs ORDER BY run_id DESC LIMIT 1") == "full"
    user = await world.user()
    assert user["last_full_sync_at"] is not None
    assert user["sync_state"] == "ok"
    assert await sync(world) is None, "an idle look still leaves no run"


async def test_a_full_look_that_goes_on_with_an_interrupted_one_is_the_full_sync(world: World) -> None:
    await world.login()
    world.esi.happens(1)
    await sync(world, first=True)
    world.esi.happens(2)
    interrupted = await discover(world)
    assert interrupted.run_id is not None
    await world.run(world.runs.finish_run, FinishRun(interrupted.run_id, PILOT, interrupted=True))
    adds_up(await sync(world, full=True))
    assert [row["kind"] for row in await world.pool.fetch("SELECT kind FROM sync_runs ORDER BY run_id")] == [
        "first",
        "full",
    ]
    assert (await world.user())["last_full_sync_at"] is not None


async def test_a_first_sync_stays_one_whatever_ends_it(world: World) -> None:
    await world.login()
    world.esi.happens(1)
    interrupted = await discover(world, first=True)
    assert interrupted.run_id is not None
    await world.run(world.runs.finish_run, FinishRun(interrupted.run_id, PILOT, interrupted=True))
    adds_up(await sync(world, full=True))
    assert await world.pool.fetchval("SELECT kind FROM sync_runs") == "first", "the pilot is told of it"


async def test_what_another_pilot_stored_or_still_fetches_is_in_the_account_too(world: World) -> None:
    await world.login(PILOT)
    await world.login(ENEMY)
    world.esi.happens(1, 2, seen_by=(PILOT, ENEMY), attackers=(ENEMY,))
    await discover(world, PILOT, first=True)  # claimed, and on its way
    world.esi.happens(3, seen_by=(ENEMY,))
    account = adds_up(await sync(world, ENEMY, first=True))
    assert (account.listed, account.new, account.stored, account.pending) == (3, 1, 1, 2)


async def test_a_killmail_that_left_the_list_before_it_could_be_fetched_stays_in_the_account(world: World) -> None:
    await world.login()
    world.esi.happens(1, 2)
    world.esi.bodies[1] = Unavailable("not now")
    await sync(world, first=True)
    world.esi.lists[PILOT].remove(1)
    world.esi.happens(3)
    account = adds_up(await sync(world))
    assert (account.listed, account.stored, account.pending) == (3, 2, 1)


async def test_a_reference_that_was_lost_shows_as_pending(world: World) -> None:
    """Proof needs two witnesses: what ESI listed, and what is here; not what we believe to have done."""
    await world.login()
    world.esi.happens(1, 2)
    await sync(world, first=True)
    await world.pool.execute("DELETE FROM killmails WHERE killmail_id = 1")
    await world.pool.execute("DELETE FROM killmail_refs WHERE killmail_id = 1")
    account = await account_of(world.pool, PILOT)
    assert (account.listed, account.stored, account.pending) == (2, 1, 1)
