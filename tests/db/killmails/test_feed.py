"""Whose killmails are read: only to whom they belong, page by page."""

from __future__ import annotations

import base64
import json
from typing import Any

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.killmails.cursors import InvalidCursor, decode_cursor, encode_cursor
from db.killmails.filter import KillmailFilter, Viewer
from db.killmails.rows import may_see
from tests.db.bodies import body, raw
from tests.db.killmails.listed import listed, seen_of

ME, ALT, STRANGER = 90_000_001, 90_000_002, 90_000_009


async def whole_feed(pool: asyncpg.Pool, viewer: Viewer, first: int, **more: Any) -> list[int]:
    ids: list[int] = []
    after = None
    while True:
        page = await listed(pool, viewer, first, after, KillmailFilter(**more))
        assert len(page.ids) == len(page.cursors) <= first
        ids += page.ids
        if not page.has_more:
            return ids
        assert len(page.ids) == first
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
    one = await listed(pool, Viewer((ME,)), 5)
    await store_killmails(pool, [raw(body(number, victim=ME)) for number in (11, 25, 99)])
    two = await listed(pool, Viewer((ME,)), 50, one.cursors[-1])
    assert one.ids == [30, 28, 26, 24, 22]
    assert two.ids == [20, 18, 16, 14, 12, 11, 10]


async def test_a_viewer_sees_only_their_own(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1, victim=ME, attackers=(STRANGER,))), raw(body(2, victim=STRANGER))])
    nobody, stranger, me = Viewer(()), Viewer((STRANGER,)), Viewer((ME,))
    assert await whole_feed(pool, nobody, 5) == []
    assert await whole_feed(pool, me, 5) == [1]
    assert await whole_feed(pool, stranger, 5) == [2, 1]
    assert [await may_see(pool, who, 1) for who in (nobody, me, stranger)] == [False, True, True]
    assert [await may_see(pool, who, 2) for who in (nobody, me, stranger)] == [False, False, True]
    assert await seen_of(pool, me, [1, 2, 3]) == [1]
    assert await seen_of(pool, nobody, [1, 2, 3]) == []
    # A filter is no way around it.
    assert await whole_feed(pool, me, 5, character_id=STRANGER) == [1]
    assert await whole_feed(pool, nobody, 5, character_id=STRANGER) == []
    assert await seen_of(pool, me, [1, 2], KillmailFilter(character_id=STRANGER)) == [1]


@pytest.mark.parametrize("killmail_id", [0, -1, 404, 2**63, 10**40])
async def test_an_id_that_is_no_killmail_is_not_found(pool: asyncpg.Pool, killmail_id: int) -> None:
    assert not await may_see(pool, Viewer((ME,)), killmail_id)


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
    assert await whole_feed(pool, mine, 2) == [3, 2, 1]
    assert await whole_feed(pool, mine, 5, character_id=ME) == [3, 2, 1]
    assert await whole_feed(pool, mine, 1, character_id=ALT) == [3, 2]
    assert await whole_feed(pool, mine, 1, side="VICTIM") == [3, 1]
    assert await whole_feed(pool, mine, 1, side="ATTACKER") == [3, 2]
    assert await whole_feed(pool, mine, 1, side="ATTACKER", character_id=ALT) == [2]
    assert await seen_of(pool, mine, [1, 2, 3], KillmailFilter(side="VICTIM", character_id=ME)) == [1]


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
        await listed(pool, Viewer((ME,)), 5, cursor)
