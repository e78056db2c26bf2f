"""Reading back: exactly what ESI sent, only to whom it belongs, page by page."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.killmails.cursors import decode_cursor, encode_cursor
from db.killmails.feed import InvalidCursor, KillmailFilter, Node, Viewer, feed, killmail, killmails_by_id
from db.pool import open_pool
from db.universe.names import store_names, store_solar_systems
from tests.db.bodies import body, raw

ME, ALT, STRANGER = 90_000_001, 90_000_002, 90_000_009


async def whole_feed(pool: asyncpg.Pool, viewer: Viewer, first: int, **more: Any) -> list[int]:
    return [int(node["id"]) async for node in pages(pool, viewer, first, **more)]


async def pages(pool: asyncpg.Pool, viewer: Viewer, first: int, **more: Any) -> AsyncIterator[Node]:
    after = None
    while True:
        page = await feed(pool, viewer, first, after, KillmailFilter(**more), with_attackers=False, with_items=False)
        assert len(page.nodes) == len(page.cursors) <= first
        for node in page.nodes:
            yield node
        if not page.has_next_page:
            return
        assert len(page.nodes) == first
        after = page.cursors[-1]


async def test_every_page_size_gives_the_same_feed(pool: asyncpg.Pool) -> None:
    killmails = [body(number, victim=ME, minute=number // 4) for number in range(1, 41)]  # four in each minute
    killmails += [body(number, victim=STRANGER, attackers=(ALT,), minute=number // 4) for number in range(41, 61)]
    killmails += [body(number, victim=STRANGER, attackers=(STRANGER + 1,)) for number in range(61, 81)]
    await store_killmails(pool, [raw(killmail) for killmail in killmails])
    mine = Viewer((ME, ALT))
    for first in (1, 2, 7, 20, 59, 60, 61, 100):
        assert await whole_feed(pool, mine, first) == list(range(60, 0, -1))


async def test_a_character_that_is_victim_and_attacker_shortens_no_page(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(number, victim=ME, attackers=(ALT, ME))) for number in range(1, 21)])
    assert await whole_feed(pool, Viewer((ME, ALT)), 6) == list(range(20, 0, -1))


async def test_pages_are_stable_while_killmails_arrive(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(number, victim=ME)) for number in range(10, 31, 2)])
    one = await feed(pool, Viewer((ME,)), 5, None, with_attackers=False, with_items=False)
    await store_killmails(pool, [raw(body(number, victim=ME)) for number in (11, 25, 99)])
    two = await feed(pool, Viewer((ME,)), 50, one.cursors[-1], with_attackers=False, with_items=False)
    assert [node["id"] for node in one.nodes] == ["30", "28", "26", "24", "22"]
    assert [node["id"] for node in two.nodes] == ["20", "18", "16", "14", "12", "11", "10"]


async def test_a_viewer_sees_only_their_own(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1, victim=ME, attackers=(STRANGER,))), raw(body(2, victim=STRANGER))])
    nobody, stranger, me = Viewer(()), Viewer((STRANGER,)), Viewer((ME,))
    assert await whole_feed(pool, nobody, 5) == []
    assert await whole_feed(pool, me, 5) == [1]
    assert await whole_feed(pool, stranger, 5) == [2, 1]
    assert await killmail(pool, nobody, 1) is None
    assert await killmail(pool, me, 2) is None
    assert (await killmail(pool, stranger, 2) or {})["id"] == "2"
    assert [node["id"] for node in await killmails_by_id(pool, me, [1, 2, 3])] == ["1"]
    assert await killmails_by_id(pool, nobody, [1, 2, 3]) == []
    # A filter is no way around it.
    assert await whole_feed(pool, me, 5, character_id=STRANGER) == [1]
    assert await whole_feed(pool, nobody, 5, character_id=STRANGER) == []
    by_id = await killmails_by_id(pool, me, [1, 2], KillmailFilter(character_id=STRANGER))
    assert [(node["id"], node["side"]) for node in by_id] == [("1", "ATTACKER")], "the stranger's side"


@pytest.mark.parametrize("killmail_id", [0, -1, 404, 2**63, 10**40])
async def test_an_id_that_is_no_killmail_is_not_found(pool: asyncpg.Pool, killmail_id: int) -> None:
    assert await killmail(pool, Viewer((ME,)), killmail_id) is None


async def test_filters_and_sides(pool: asyncpg.Pool) -> None:
    await store_killmails(
        pool,
        [
            raw(body(1, victim=ME, attackers=(STRANGER,))),
            raw(body(2, victim=STRANGER, attackers=(ME, ALT))),
            raw(body(3, victim=ALT, attackers=(ME,))),
        ],
    )
    mine = Viewer((ME, ALT))
    sides = {int(node["id"]): node["side"] async for node in pages(pool, mine, 2)}
    assert sides == {1: "VICTIM", 2: "ATTACKER", 3: "VICTIM"}
    assert [node["side"] async for node in pages(pool, mine, 5, character_id=ME)] == ["ATTACKER", "ATTACKER", "VICTIM"]
    assert await whole_feed(pool, mine, 1, character_id=ALT) == [3, 2]
    assert await whole_feed(pool, mine, 1, side="VICTIM") == [3, 1]
    assert await whole_feed(pool, mine, 1, side="ATTACKER") == [3, 2]
    assert await whole_feed(pool, mine, 1, side="ATTACKER", character_id=ALT) == [2]
    by_id = await killmails_by_id(pool, mine, [1, 2, 3], KillmailFilter(side="VICTIM", character_id=ME))
    assert [node["id"] for node in by_id] == ["1"]


async def test_names_and_security_appear_as_they_become_known(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1, victim=ME))])
    node = await killmail(pool, Viewer((ME,)), 1)
    assert node is not None
    assert node["victim"]["character"]["name"] is None
    assert [node["solarSystem"][field] for field in ("name", "securityStatus", "security")] == [None, None, "?"]
    await store_names(pool, [(ME, "character", "Me"), (30_000_142, "solar_system", "Jita")], unknown=[587])
    await store_solar_systems(pool, [(30_000_142, 0.945913, 20_000_020)])
    node = await killmail(pool, Viewer((ME,)), 1)
    assert node is not None
    assert node["victim"]["character"]["name"] == "Me"
    assert node["victim"]["ship"] == {"id": "587", "name": None, "group": None}
    assert [node["solarSystem"][field] for field in ("name", "securityStatus", "security")] == ["Jita", 0.945913, "0.9"]


async def test_only_what_was_asked_for_is_read(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1, victim=ME, attackers=(STRANGER, ALT)))])
    page = await feed(pool, Viewer((ME,)), 5, None, with_attackers=False, with_items=False)
    (node,) = page.nodes
    assert "attackers" not in node
    assert "items" not in node
    assert node["attackerCount"] == 2
    assert node["finalBlow"]["character"]["id"] == str(STRANGER)


@pytest.mark.parametrize("count", [3, 40])
async def test_a_page_takes_three_statements_however_long(database_url: str, count: int) -> None:
    statements: list[str] = []
    async with await open_pool(database_url, max_size=1) as pool:
        killmails = [body(number, victim=ME, attackers=(ALT, STRANGER)) for number in range(1, count + 1)]
        await store_killmails(pool, [raw(killmail) for killmail in killmails])
        async with pool.acquire() as connection:
            connection.add_query_logger(lambda record: statements.append(record.query))
        page = await feed(pool, Viewer((ME,)), 50, None, with_attackers=True, with_items=True)
    assert len(page.nodes) == count
    ours = [query for query in statements if any(table in query for table in ("killmails", "participants", "entities"))]
    assert len(ours) == 3


FOREIGN_CURSORS = [
    "",
    "1",
    "not a cursor",
    "äöü",
    "A" * 23,
    "A" * 5000,
    encode_cursor(decode_cursor("AQAAAAAAAAAAAAAAAAAAAAE")[0], 1) + "=",
    encode_cursor(decode_cursor("AQAAAAAAAAAAAAAAAAAAAAE")[0], 1)[:-1],
    "AQAAAAAAAAAAAAAAAAAAAAF",  # spare bits set
    base64.urlsafe_b64encode(b"\2" + bytes(16)).decode().rstrip("="),  # another version
    base64.urlsafe_b64encode(b"\1" + b"\x7f" + b"\xff" * 15).decode().rstrip("="),  # a time beyond the calendar
    json.dumps({"time": "2026-01-01T00:00:00Z", "id": 1}),
]


@pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
async def test_a_foreign_cursor_is_refused(pool: asyncpg.Pool, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await feed(pool, Viewer((ME,)), 5, cursor, with_attackers=False, with_items=False)
