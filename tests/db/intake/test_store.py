"""The write path: everything of a killmail once, whoever writes at the same time."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import orjson
import pytest

from db.intake.store import RefusedKillmails, store_killmails
from db.pool import open_pool
from tests.db.bodies import body, raw


async def add_refs(pool: asyncpg.Pool, *killmail_ids: int) -> None:
    await pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by) SELECT unnest($1::bigint[]), 'hash', 1",
        killmail_ids,
    )


async def test_a_killmail_is_stored_with_its_body_and_everyone_on_it(pool: asyncpg.Pool) -> None:
    killmail = body(7, victim=11, attackers=(12, 13))
    assert await store_killmails(pool, [raw(killmail)]) == [7]
    row = await pool.fetchrow("SELECT * FROM killmails")
    assert row is not None
    assert (row["killmail_id"], row["solar_system_id"], row["attacker_count"]) == (7, 30_000_142, 2)
    assert f"{row['killmail_time']:%Y-%m-%dT%H:%M:%SZ}" == killmail["killmail_time"]
    assert orjson.loads(await pool.fetchval("SELECT body FROM killmail_bodies")) == killmail
    people = await pool.fetch("SELECT ordinal, is_victim, character_id, final_blow FROM participants ORDER BY ordinal")
    assert [tuple(person) for person in people] == [(0, True, 11, False), (1, False, 12, True), (2, False, 13, False)]


async def test_known_killmails_are_not_new_again(pool: asyncpg.Pool) -> None:
    assert await store_killmails(pool, [raw(body(1)), raw(body(2))]) == [1, 2]
    assert await store_killmails(pool, [raw(body(3)), raw(body(2)), raw(body(1))]) == [3]
    assert await pool.fetchval("SELECT count(*) FROM participants") == 6


async def test_an_empty_batch_is_nothing(pool: asyncpg.Pool) -> None:
    assert await store_killmails(pool, []) == []


async def test_a_killmail_twice_in_a_batch_is_stored_once(pool: asyncpg.Pool) -> None:
    assert await store_killmails(pool, [raw(body(5)), raw(body(4)), raw(body(5))]) == [4, 5]
    assert await pool.fetchval("SELECT count(*) FROM participants") == 4


async def test_every_reference_of_the_batch_is_marked_also_of_known_killmails(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1))])
    await add_refs(pool, 1, 2, 3)
    await pool.execute("UPDATE killmail_refs SET parked_at = now(), claimed_until = now(), attempts = 3")
    await store_killmails(pool, [raw(body(1)), raw(body(2))])
    rows = await pool.fetch(
        "SELECT killmail_id, stored_at IS NOT NULL, parked_at IS NULL, claimed_until IS NULL, attempts"
        " FROM killmail_refs ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [
        (1, True, True, True, 3),
        (2, True, True, True, 3),
        (3, False, False, False, 3),
    ]
    before = await pool.fetchval("SELECT array_agg(xmin::text) FROM killmail_refs")
    await store_killmails(pool, [raw(body(1)), raw(body(2))])
    assert await pool.fetchval("SELECT array_agg(xmin::text) FROM killmail_refs") == before  # nothing written again


async def test_a_hash_in_a_body_does_not_get_further(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1, killmail_hash="c0ffee"))])
    assert "c0ffee" not in await pool.fetchval("SELECT body FROM killmail_bodies")


async def test_refused_bodies_do_not_stop_the_others_of_their_batch(pool: asyncpg.Pool) -> None:
    batch = [raw(body(killmail_id)) for killmail_id in range(1, 21)]
    batch[3] = raw(body(4, note="NUL \0 in a text"))
    batch[9] = raw(body(10)).replace(b'"damage_taken": 1000, ', b"")
    batch[12] = b"\xff\xfe"
    batch[13] = b"<html>"
    batch[14] = raw(body(15, victim=10**30))
    batch[15] = raw({key: value for key, value in body(16).items() if key != "victim"})
    batch[16] = raw({key: value for key, value in body(17).items() if key != "attackers"})
    batch[17] = raw(body(18)).replace(b"98000001", b'"\0"')
    batch[18] = raw(body(19)).replace(b"98000001", b"[" * 100_000 + b"]" * 100_000)
    await add_refs(pool, *range(1, 21))
    with pytest.raises(RefusedKillmails) as raised:
        await store_killmails(pool, batch)
    refused = {refusal.position: refusal.killmail_id for refusal in raised.value.refused}
    assert refused == {3: 4, 9: 10, 12: None, 13: None, 14: 15, 15: 16, 16: 17, 17: None, 18: None}
    good = sorted(set(range(1, 21)) - {4, 10, *range(13, 20)})
    assert raised.value.new == good
    assert [row[0] for row in await pool.fetch("SELECT killmail_id FROM killmail_bodies ORDER BY 1")] == good
    assert await pool.fetchval("SELECT count(*) FROM participants") == 2 * len(good)
    stored = await pool.fetch("SELECT killmail_id FROM killmail_refs WHERE stored_at IS NOT NULL ORDER BY 1")
    assert [row[0] for row in stored] == good
    assert "NUL" not in str(raised.value)  # the message does not quote a body


async def test_two_writers_of_the_same_killmails_in_opposite_order(database_url: str) -> None:
    """Unsorted, each would wait for a row of the other: a deadlock."""
    bodies = [raw(body(killmail_id)) for killmail_id in range(1, 2001)]
    batches = [bodies[start : start + 100] for start in range(0, 2000, 100)]
    async with await open_pool(database_url) as one, await open_pool(database_url) as other:
        await add_refs(one, *range(1, 2001))
        new: list[int] = []
        for batch in batches:
            stored = await asyncio.gather(store_killmails(one, batch), store_killmails(other, batch[::-1]))
            new += [*stored[0], *stored[1]]
        assert sorted(new) == list(range(1, 2001))
        await assert_stored_once(one, 2000)


async def test_many_writers_of_overlapping_shuffled_batches(database_url: str) -> None:
    dice = random.Random(1)  # noqa: S311

    async def write(pool: asyncpg.Pool) -> int:
        order = list(range(1, 1001))
        dice.shuffle(order)
        new = 0
        for start in range(0, 1000, 50):
            new += len(await store_killmails(pool, [raw(body(number)) for number in order[start : start + 50]]))
        return new

    async with await open_pool(database_url) as pool:
        await add_refs(pool, *range(1, 1001))
        assert sum(await asyncio.gather(*(write(pool) for _ in range(6)))) == 1000
        await assert_stored_once(pool, 1000)


async def assert_stored_once(pool: asyncpg.Pool, killmails: int) -> None:
    counts = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM killmails), (SELECT count(*) FROM killmail_bodies),"
        " (SELECT count(*) FROM participants), (SELECT count(*) FROM killmail_refs WHERE stored_at IS NOT NULL)"
    )
    assert counts is not None
    assert tuple(counts) == (killmails, killmails, 2 * killmails, killmails)


async def test_a_factions_id_in_the_place_of_a_corporation_is_a_faction(pool: asyncpg.Pool) -> None:
    killmail = body(1)
    killmail["attackers"].append(
        {
            "damage_done": 5,
            "final_blow": False,
            "security_status": 0.0,
            "corporation_id": 500_001,
            "ship_type_id": 12_222,
        }
    )
    await store_killmails(pool, [raw(killmail)])
    rows = await pool.fetch("SELECT corporation_id, faction_id FROM participants WHERE ship_type_id = 12222")
    assert [tuple(row) for row in rows] == [(None, 500_001)]
    kept = await pool.fetchval("SELECT body #>> '{attackers,-1,corporation_id}' FROM killmail_bodies")
    assert kept == "500001", "the body stays as ESI gave it"
