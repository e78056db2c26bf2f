"""Which ids want a name, and how names and misses are remembered."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.universe.names import (
    ASK_AGAIN_AFTER,
    store_names,
    store_solar_systems,
    unknown_entity_ids,
    unknown_solar_system_ids,
)
from tests.db.bodies import body, raw

EVERYTHING = [500_001, 500_021, 587, 588, 3057, 34, 35, 36, 3467, 24692, 30_000_142, 90_000_001, 90_000_002]
EVERYTHING += [98_000_001, 98_000_002, 99_000_001, 99_000_002]


async def store_rich_killmail(pool: asyncpg.Pool) -> None:
    killmail = body(1, war_id=700_000, moon_id=40_000_001)
    deepest = {"item_type_id": 36, "flag": 0, "singleton": 0, "quantity_dropped": 1}
    inner = {"item_type_id": 35, "flag": 0, "singleton": 0, "quantity_dropped": 1, "items": [deepest]}
    box = {"item_type_id": 3467, "flag": 5, "singleton": 0, "quantity_dropped": 1, "items": [inner, inner]}
    killmail["victim"] |= {"alliance_id": 99_000_001, "faction_id": 500_001}
    killmail["victim"]["items"] = [box, {"item_type_id": 34, "flag": 5, "singleton": 0, "quantity_destroyed": 2}]
    killmail["attackers"][0] |= {"alliance_id": 99_000_002, "faction_id": 500_021}
    killmail["attackers"].append({"damage_done": 0, "final_blow": False, "security_status": 0.0, "ship_type_id": 588})
    await store_killmails(pool, [raw(killmail)])


async def age(pool: asyncpg.Pool, by: timedelta) -> None:
    await pool.execute("UPDATE entities SET fetched_at = fetched_at - $1::interval", by)


async def test_everything_a_killmail_mentions_wants_a_name(pool: asyncpg.Pool) -> None:
    await store_rich_killmail(pool)
    assert await unknown_entity_ids(pool, [1]) == sorted(EVERYTHING)
    assert await unknown_entity_ids(pool, [2]) == []
    assert await unknown_entity_ids(pool, []) == []


async def test_named_ids_want_none(pool: asyncpg.Pool) -> None:
    await store_rich_killmail(pool)
    await store_names(pool, [(34, "inventory_type", "Tritanium"), (36, "inventory_type", "Mexallon")])
    assert await unknown_entity_ids(pool, [1]) == sorted(set(EVERYTHING) - {34, 36})


@pytest.mark.parametrize("entity_id", [0, -1, 1_035_466_617_946])
async def test_ids_that_esi_cannot_name_are_not_asked_for(pool: asyncpg.Pool, entity_id: int) -> None:
    killmail = body(1)
    killmail["attackers"][0]["weapon_type_id"] = entity_id
    await store_killmails(pool, [raw(killmail)])
    assert entity_id not in await unknown_entity_ids(pool, [1])


async def test_an_unknown_id_is_asked_for_later_each_time(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1))])
    missing = 90_000_001
    for delay in (*ASK_AGAIN_AFTER, ASK_AGAIN_AFTER[-1]):
        assert missing in await unknown_entity_ids(pool, [1])
        assert await store_names(pool, [], [missing]) == 1
        assert missing not in await unknown_entity_ids(pool, [1])
        await age(pool, delay - timedelta(seconds=30))
        assert missing not in await unknown_entity_ids(pool, [1])
        assert await store_names(pool, [], [missing]) == 0  # another worker's late answer is no further miss
        await age(pool, timedelta(seconds=30))
    assert await store_names(pool, [(missing, "character", "Found After All")]) == 1
    assert missing not in await unknown_entity_ids(pool, [1])
    row = await pool.fetchrow("SELECT name, misses, fetched_at > now() - interval '1 minute' FROM entities")
    assert row is not None
    assert tuple(row) == ("Found After All", 0, True)


async def test_what_stands_already_is_not_written_again(pool: asyncpg.Pool) -> None:
    told = [(2, "corporation", "Two"), (1, "character", "One")]
    assert await store_names(pool, told, [3]) == 3
    before = await pool.fetchval(
        "SELECT array_agg((xmin::text, xmax::text, ctid)::text ORDER BY entity_id) FROM entities"
    )
    assert await store_names(pool, told, [3]) == 0
    assert await store_names(pool, [], [1, 2]) == 0  # a name is never forgotten
    after = await pool.fetchval(
        "SELECT array_agg((xmin::text, xmax::text, ctid)::text ORDER BY entity_id) FROM entities"
    )
    assert after == before  # not even a lock was taken
    assert await store_names(pool, [(1, "character", "One Renamed"), *told[:1]]) == 1
    assert await pool.fetchval("SELECT name FROM entities WHERE entity_id = 1") == "One Renamed"


async def test_odd_answers_are_taken(pool: asyncpg.Pool) -> None:
    assert await store_names(pool, []) == 0
    assert await store_names(pool, [(1, "character", "A"), (1, "character", "A"), (2, "x", "NUL\0")], [1]) == 2
    assert await store_names(pool, [(3, "x", "Half \ud83d"), (4, "x", "Good \U0001f600")]) == 2
    rows = await pool.fetch("SELECT entity_id, name FROM entities ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        (1, "A"),
        (2, "NUL\N{REPLACEMENT CHARACTER}"),
        (3, "Half \N{REPLACEMENT CHARACTER}"),
        (4, "Good \U0001f600"),
    ]


async def test_a_name_that_no_index_takes_is_cut_and_hides_no_other(pool: asyncpg.Pool) -> None:
    long = "".join(map(str, range(3_000)))
    assert await store_names(pool, [(1, "character", long), (2, "cat\0", "Two")]) == 2
    rows = await pool.fetch("SELECT category, name FROM entities ORDER BY entity_id")
    assert [tuple(row) for row in rows] == [("character", long[:200]), ("cat\N{REPLACEMENT CHARACTER}", "Two")]


async def test_workers_may_learn_the_same_names_at_once(pool: asyncpg.Pool) -> None:
    told = [(number, "character", f"Pilot {number}") for number in range(1, 501)]
    written = await asyncio.gather(*(store_names(pool, told[::step], [999]) for step in (1, -1, 1, -1)))
    assert sum(written) == 501


async def test_solar_systems_are_asked_for_once(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1)), raw(body(2)), raw(body(3, solar_system_id=31_000_005))])
    assert await unknown_solar_system_ids(pool, [1, 2, 3]) == [30_000_142, 31_000_005]
    jita, thera = (30_000_142, 0.9459131360054016, 20_000_020), (31_000_005, -0.99, None)
    assert await store_solar_systems(pool, [thera, jita]) == 2
    assert await unknown_solar_system_ids(pool, [1, 2, 3]) == []
    assert await store_solar_systems(pool, [jita, thera]) == 0
    assert await store_solar_systems(pool, [(30_000_142, 0.4, 20_000_020)]) == 1
    assert await pool.fetchval("SELECT security_status FROM solar_systems WHERE solar_system_id = 30000142") == 0.4
    assert await store_solar_systems(pool, []) == 0
