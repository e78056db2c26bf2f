"""Bodies are stored once, announced at least once, and one bad killmail harms no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from activities.bodies import AT_ONCE, BLAMELESS_ATTEMPTS, PARK_AFTER_ATTEMPTS, failed_attempt
from contracts.call_classes import CallClass
from contracts.sync import FetchedKillmails, FetchKillmails, NamedEntities, NameEntities
from db.intake.receive import Bringer, receive_killmails
from db.intake.sources import Brought
from db.intake.store import store_killmails
from eve.errors import EveError, InvalidHash, MalformedBody, NotFound, RateLimited, Unavailable
from tests.activities.looks import discover
from tests.activities.stand_in_eve import ENEMY, PILOT, World
from tests.db.bodies import body, raw

NOW = datetime(2026, 11, 24, tzinfo=UTC)


async def fetch(world: World, *killmail_ids: int, attempt: int = 1) -> FetchedKillmails:
    answer = await world.run(world.bodies.fetch_killmails, FetchKillmails(list(killmail_ids)), attempt=attempt)
    assert isinstance(answer, FetchedKillmails)
    return answer


async def stored(world: World) -> list[int]:
    rows = await world.pool.fetch("SELECT killmail_id FROM killmails ORDER BY killmail_id")
    return [row["killmail_id"] for row in rows]


@pytest.fixture
async def found(world: World) -> list[int]:
    await world.login()
    world.esi.happens(*range(1, 51))
    return (await discover(world)).killmail_ids


async def test_a_batch_is_fetched_many_at_once_stored_and_announced(world: World, found: list[int]) -> None:
    assert await fetch(world, *found) == FetchedKillmails(stored=50)
    assert await stored(world) == sorted(found)
    assert world.esi.most_at_once == AT_ONCE
    assert world.live.stored == [(sorted(found), [PILOT])], "those on them who are users"
    assert (await world.reference(1))["stored_at"] is not None


async def test_a_crash_between_commit_and_announcement_is_made_good(world: World, found: list[int]) -> None:
    world.live.down = True
    with pytest.raises(ConnectionError):
        await fetch(world, *found)
    assert await stored(world) == sorted(found)
    world.live.down = False
    world.esi.requests.clear()
    assert await fetch(world, *found) == FetchedKillmails(already_stored=50)
    assert world.esi.requests == [], "nothing is fetched twice"
    assert world.live.stored == [(sorted(found), [PILOT])]


async def test_one_bad_killmail_fails_alone_and_is_tried_again_late_then_parked(world: World, found: list[int]) -> None:
    world.esi.bodies[7] = InvalidHash("no such hash")
    assert await fetch(world, *found) == FetchedKillmails(stored=49, failed=1)
    reference = await world.reference(7)
    assert (reference["attempts"], reference["last_error"], reference["parked_at"]) == (1, "InvalidHash", None)
    assert reference["claimed_until"] is None
    assert reference["next_attempt_at"] > datetime.now(UTC) + timedelta(minutes=9)
    assert (await discover(world)).killmail_ids == []

    await world.pool.execute("UPDATE killmail_refs SET next_attempt_at = now() WHERE killmail_id = 7")
    assert (await discover(world)).killmail_ids == [7]
    await fetch(world, 7)
    reference = await world.reference(7)
    assert reference["parked_at"] is not None
    assert reference["next_attempt_at"] is None
    await world.pool.execute("UPDATE killmail_refs SET claimed_until = NULL")
    assert (await discover(world)).killmail_ids == []


async def test_a_false_422_is_forgotten_when_the_late_retry_succeeds(world: World, found: list[int]) -> None:
    real = world.esi.bodies[7]
    world.esi.bodies[7] = InvalidHash("under load")
    await fetch(world, *found)
    world.esi.bodies[7] = real
    await world.pool.execute("UPDATE killmail_refs SET next_attempt_at = now() WHERE killmail_id = 7")
    await fetch(world, *(await discover(world)).killmail_ids)
    assert await stored(world) == sorted(found)


async def test_a_spent_budget_keeps_what_was_fetched_and_blames_no_killmail(world: World, found: list[int]) -> None:
    later = datetime.now(UTC) + timedelta(minutes=3)
    world.esi.bodies[10] = RateLimited(later)
    with pytest.raises(RateLimited) as limited:
        await fetch(world, *found)
    assert limited.value.until == later
    kept = await stored(world)
    assert 0 < len(kept) < 50
    assert world.live.stored == [(kept, [PILOT])]
    assert (await world.reference(10))["attempts"] == 0


async def test_when_esi_gives_nothing_no_killmail_is_to_blame_at_first(world: World, found: list[int]) -> None:
    for killmail_id in found:
        world.esi.bodies[killmail_id] = Unavailable("502")
    for attempt in range(1, BLAMELESS_ATTEMPTS + 1):
        with pytest.raises(Unavailable):
            await fetch(world, *found, attempt=attempt)
    assert await world.pool.fetchval("SELECT max(attempts) FROM killmail_refs") == 0
    # Killmails that answer 500 for ever are given up in the end, and their pilot gets on meanwhile.
    assert await fetch(world, *found, attempt=BLAMELESS_ATTEMPTS + 1) == FetchedKillmails(failed=50)
    assert await world.pool.fetchval("SELECT min(attempts) FROM killmail_refs") == 1
    await world.pool.execute("UPDATE killmail_refs SET attempts = $1", PARK_AFTER_ATTEMPTS - 1)
    await fetch(world, *found, attempt=BLAMELESS_ATTEMPTS + 1)
    assert await world.pool.fetchval("SELECT count(*) FROM killmail_refs WHERE parked_at IS NULL") == 0


async def test_a_body_postgres_cannot_hold_fails_alone(world: World, found: list[int]) -> None:
    world.esi.bodies[7] = raw(body(7)).replace(b"2026-", b"99999999-")
    assert await fetch(world, *found) == FetchedKillmails(stored=49, failed=1)
    assert (await world.reference(7))["attempts"] == 1


@pytest.mark.parametrize("error", [Unavailable("x"), MalformedBody("x")])
def test_passing_trouble_is_retried_later_each_time_but_not_for_ever(error: EveError) -> None:
    delays = []
    for attempts in range(PARK_AFTER_ATTEMPTS - 1):
        until = failed_attempt(1, error, attempts, NOW).next_attempt_at
        assert until is not None
        delays.append(until - NOW)
    assert delays == sorted(delays)
    assert delays[0] == timedelta(minutes=1)
    assert sum(delays, timedelta()) > timedelta(hours=12), "longer than a long downtime"
    assert failed_attempt(1, error, PARK_AFTER_ATTEMPTS - 1, NOW).next_attempt_at is None


def test_not_found_is_tried_twice() -> None:
    assert failed_attempt(1, NotFound("x"), 0, NOW).next_attempt_at == NOW + timedelta(minutes=10)
    assert failed_attempt(1, NotFound("x"), 1, NOW).next_attempt_at is None


async def test_names_are_asked_for_once_and_shared(world: World, found: list[int]) -> None:
    await world.login(ENEMY)
    await fetch(world, *found)
    world.live.stored.clear()
    named = await world.run(world.enrichment.name_entities, NameEntities(found))
    assert isinstance(named, NamedEntities)
    assert named.named > 3
    assert [sorted(characters) for _, characters in world.live.stored] == [[PILOT, ENEMY]]
    await world.run(world.enrichment.describe_solar_systems, NameEntities(found))
    world.esi.requests.clear()
    assert await world.run(world.enrichment.name_entities, NameEntities(found)) == NamedEntities()
    assert await world.run(world.enrichment.describe_solar_systems, NameEntities(found)) == NamedEntities()
    assert world.esi.requests == []


async def test_names_that_come_before_the_arrival_make_no_news_of_what_an_archive_has_just_stored(world: World) -> None:
    """It is being valued, or its process died: whoever brings it says that it is old, and whose it was."""
    await world.login()
    await store_killmails(world.pool, [raw(body(1))])
    named = await world.run(world.enrichment.name_entities, NameEntities([1], CallClass.BACKFILL))
    assert named.named > 0
    assert await world.pool.fetchval("SELECT count(*) FROM killmail_arrivals") == 0

    received = await receive_killmails(world.pool, world.live, [], killmail_ids=[1], by=Bringer.ARCHIVE)
    assert (received.stored, received.news) == ([1], [])
    row = await world.pool.fetchrow("SELECT killmail_id, silent, source FROM killmail_arrivals")
    assert row is not None
    assert tuple(row) == (1, True, Brought.ARCHIVE)
