"""Pages of zKillboard's list: references first, then bodies, and what is left is claimed by the import alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.errors import CharacterRemoved, application_error
from contracts.call_classes import CallClass
from contracts.claimants import import_of
from contracts.imports import FinishImport, ImportAccount, ImportedPage, ImportPage, ImportState, Position
from contracts.sync import FailureType, FetchKillmails
from db.intake.references import FailedAttempt, claim, record_failures
from eve.errors import InvalidHash, ZkillboardRefused
from eve.killmail import KillmailRef
from eve.zkillboard.client import ZkillboardKillmail, ZkillboardPage
from tests.activities.looks import discover
from tests.activities.stand_in_eve import ENEMY, PILOT, World
from tests.activities.stand_in_zkillboard import listed
from tests.db.bodies import body


@pytest.fixture
async def world(world: World) -> World:
    await world.login()
    await world.run(world.imports.begin_zkillboard_import, PILOT)
    return world


async def read(world: World, page: int = 1) -> ImportedPage:
    found: ImportedPage = await world.run(world.imports.import_zkillboard_page, ImportPage(PILOT, Position(page=page)))
    return found


async def finish(world: World, state: ImportState = ImportState.DONE) -> ImportAccount:
    account: ImportAccount = await world.run(world.imports.finish_zkillboard_import, FinishImport(PILOT, state))
    return account


async def own_sync_takes(world: World, character_id: int, *wanted: int) -> list[int]:
    async with world.pool.acquire() as connection:
        return await claim(connection, character_id, wanted, before_corporations=False)


async def test_complete_bodies_are_stored_and_the_rest_is_claimed(world: World) -> None:
    world.zkillboard.pages[0, 0, 1] = ZkillboardPage(
        listed(*(body(number) for number in (1, 2))) + listed(body(3), body(4), with_body=False), unusable=2
    )
    page = await read(world)
    assert (page.length, page.new_ids, page.missing_ids) == (6, [1, 2], [4, 3])
    for number in (1, 2):
        assert (await world.reference(number))["stored_at"] is not None
    assert (await world.reference(3))["claimed_by"] == import_of(PILOT)
    assert await own_sync_takes(world, PILOT) == [], "the pilot's own sync leaves them to the import"
    assert await world.pool.fetchval("SELECT count(*) FROM killmails WHERE solo IS NULL") == 0
    assert world.live.stored == []
    assert await world.pool.fetchval("SELECT bool_and(silent) FROM killmail_arrivals")
    # It may have died before anybody heard of it: the same again.
    again = await read(world)
    assert (again.new_ids, again.missing_ids) == ([1, 2], [4, 3])
    assert await own_sync_takes(world, ENEMY, 3) == [3], "but what ESI lists now does not wait for an import"
    fetch = FetchKillmails(again.missing_ids, CallClass.IMPORT, import_of(PILOT))
    world.esi.happens(3)
    world.esi.bodies[4] = InvalidHash("no")
    assert (await world.run(world.bodies.fetch_killmails, fetch)).stored == 0, "3 is another's by now, 4 is not there"
    await world.pool.execute("UPDATE killmail_refs SET next_attempt_at = NULL WHERE killmail_id = 4")
    account = await finish(world)
    assert (account.listed, account.stored, account.new, account.pending, account.unusable) == (4, 2, 2, 2, 2)
    assert await own_sync_takes(world, PILOT) == [4], "what is left when it is over is not forgotten"


async def test_what_is_here_or_elsewhere_in_work_is_not_asked_for(world: World) -> None:
    world.esi.happens(1, 2)
    await world.login(ENEMY)
    page = ZkillboardPage(listed(*(body(number) for number in (1, 2, 3, 4)), with_body=False))
    world.zkillboard.pages[0, 0, 1] = page
    await read(world)
    await world.run(world.bodies.fetch_killmails, FetchKillmails([1], CallClass.IMPORT, import_of(PILOT)))
    await finish(world)
    await world.run(world.imports.begin_zkillboard_import, PILOT)
    assert await own_sync_takes(world, ENEMY, 2) == [2]
    later = datetime.now(UTC) + timedelta(hours=1)
    await record_failures(world.pool, [FailedAttempt(3, "InvalidHash", None), FailedAttempt(4, "InvalidHash", later)])
    found = await read(world)
    assert (found.new_ids, found.missing_ids) == ([], [])
    account = await finish(world)
    assert (account.listed, account.stored, account.new, account.pending) == (4, 1, 0, 2)
    assert account.failures == {"InvalidHash": 1}
    # A complete body heals what ESI would not give.
    world.zkillboard.pages[0, 0, 1] = ZkillboardPage(listed(*(body(number) for number in (3, 4))))
    await world.run(world.imports.begin_zkillboard_import, PILOT)
    assert (await read(world)).new_ids == [3, 4]
    assert (await world.reference(3))["parked_at"] is None


async def test_only_what_has_just_happened_is_news(world: World) -> None:
    now = datetime.now(UTC)
    times: dict[int, Any] = {1: now - timedelta(days=2), 2: now - timedelta(minutes=20)}
    bodies = [body(number) | {"killmail_time": f"{at:%Y-%m-%dT%H:%M:%SZ}"} for number, at in times.items()]
    world.zkillboard.pages[0, 0, 1] = ZkillboardPage(listed(*bodies))
    await read(world)
    assert world.live.stored == [([2], [PILOT])]
    await read(world)
    assert world.rung == [[2], []], "their webhooks are woken at once, and once"


async def test_the_hundredth_page_says_how_far_back_it_reaches(world: World) -> None:
    old = body(5) | {"killmail_time": "2009-03-04T05:06:07Z"}
    world.zkillboard.pages[0, 0, 99] = ZkillboardPage(listed(old))
    world.zkillboard.pages[0, 0, 100] = ZkillboardPage(listed(body(6), with_body=False))
    await read(world, 99)
    page = await read(world, 100)
    assert (page.oldest_year, page.oldest_month) == (2009, 3)


async def test_a_character_that_was_removed(world: World) -> None:
    await world.pool.execute("DELETE FROM users")
    world.zkillboard.pages[0, 0, 1] = ZkillboardPage(listed(body(1)))
    with pytest.raises(CharacterRemoved):
        await read(world)
    with pytest.raises(CharacterRemoved):
        await world.run(world.imports.begin_zkillboard_import, PILOT)
    assert await world.pool.fetchval("SELECT count(*) FROM killmail_refs") == 0
    assert (await finish(world)).listed == 0


async def test_a_body_for_the_import_that_esi_refuses_does_not_hold_it_up(world: World) -> None:
    world.esi.bodies[7] = InvalidHash("no")
    world.zkillboard.pages[0, 0, 1] = ZkillboardPage(listed(body(7), with_body=False))
    page = await read(world)
    fetch = FetchKillmails(page.missing_ids, CallClass.IMPORT, import_of(PILOT))
    assert (await world.run(world.bodies.fetch_killmails, fetch)).failed == 1
    account = await finish(world)
    assert (account.listed, account.pending) == (1, 1), "it is tried once more, later, by the pilot's own sync"


def test_a_refusal_of_zkillboards_has_a_type_of_its_own() -> None:
    error = application_error(ZkillboardRefused("zKillboard says: no"), datetime.now(UTC))
    assert isinstance(error, ApplicationError)
    assert (error.type, error.non_retryable) == (FailureType.REFUSED, True)


async def test_esis_own_hash_replaces_a_wrong_one_and_the_killmail_is_fetched_after_all(world: World) -> None:
    world.zkillboard.pages[0, 0, 1] = ZkillboardPage((ZkillboardKillmail(KillmailRef(1, "f" * 40), None),), unusable=0)
    assert (await read(world)).missing_ids == [1]
    await record_failures(world.pool, [FailedAttempt(1, "InvalidHash", None)])
    await finish(world)
    assert (await world.reference(1))["parked_at"] is not None
    world.esi.happens(1)  # and now ESI lists it, with its true hash
    assert (await discover(world)).killmail_ids == [1]
    reference = await world.reference(1)
    assert (reference["killmail_hash"], reference["hash_from"]) == (f"{1:040x}", "esi")
    assert (reference["attempts"], reference["last_error"], reference["parked_at"]) == (0, None, None)
    assert (await world.run(world.bodies.fetch_killmails, FetchKillmails([1]))).stored == 1
    # What zKillboard says later changes nothing.
    assert (await read(world)).missing_ids == []
    assert (await world.reference(1))["killmail_hash"] == f"{1:040x}"
