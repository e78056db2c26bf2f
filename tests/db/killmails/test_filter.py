"""Every filter gives what a plain look at each killmail gives, whichever index leads, page by page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.killmails.conditions import CAPSULES
from db.killmails.cursors import InvalidCursor, decode_value_cursor, encode_cursor, encode_value_cursor
from db.killmails.feed import KillmailFilter, Order, ParticipantFilter, Side, Viewer, count
from tests.db.bodies import START, Body, body, raw
from tests.db.drawn import ALLIANCES, ALT, CORPORATION, CORPORATIONS, ME, PILOTS, REGIONS, SHIPS, SYSTEMS
from tests.db.killmails.listed import listed, seen_of

EYES = Viewer((ME, ALT), (CORPORATION,))
EVERYTHING_SEEN = replace(EYES, sight="ALL")


def everybody(killmail: Body, side: Side | None) -> Iterator[dict[str, Any]]:
    if side != "ATTACKER":
        yield killmail["victim"]
    if side != "VICTIM":
        yield from killmail["attackers"]


def matches(killmail: Body, side: Side | None, wanted: ParticipantFilter) -> bool:
    def of(one: dict[str, Any], name: str) -> object:
        return SHIPS[one["ship_type_id"]] if name == "ship_group_id" else one.get(name)

    asked = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    return any(
        all(value is None or of(one, name) == value for name, value in asked.items())
        for one in everybody(killmail, side)
    )


def seen(killmail: Body, side: Side | None, *, boards: bool) -> bool:
    return any(
        one["character_id"] in EYES.character_ids or (boards and one["corporation_id"] in EYES.corporation_ids)
        for one in everybody(killmail, side)
    )


def bands(system: int) -> set[str]:
    if system not in SYSTEMS:
        return set()
    if system > 31_000_000:
        return {"WORMHOLE"}
    security = SYSTEMS[system][0]
    return {"HIGH_SEC" if security >= 0.45 else "LOW_SEC" if security > 0 else "NULL_SEC"}


def fits(killmail: Body, chosen: KillmailFilter, *, everything: bool = False) -> bool:
    """The rules of the filter, told a second time and without an index.

    `everything`: the viewer sees all there is, and is asked after only where a side is asked for: it is theirs.
    """
    named, told = chosen.named, killmail["appraisal"]
    alone = named == ParticipantFilter()
    scope = chosen.scope or ("ACCOUNT" if alone else "VISIBLE")
    constellation = SYSTEMS.get(killmail["solar_system_id"], (0, None))[1]
    time = datetime.fromisoformat(killmail["killmail_time"])
    count = len(killmail["attackers"])

    def within(low: Any, value: Any, high: Any) -> bool:
        if low is None and high is None:
            return True
        return value is not None and (low is None or low <= value) and (high is None or value <= high)

    return all(
        (
            (everything and scope == "VISIBLE" and not (alone and chosen.side))
            or seen(killmail, chosen.side if alone else None, boards=scope == "VISIBLE"),
            alone or matches(killmail, chosen.side, named),
            *(matches(killmail, side, one) for side, one in chosen.others()),
            chosen.solar_system_id in (None, killmail["solar_system_id"]),
            chosen.constellation_id in (None, constellation),
            chosen.region_id in (None, REGIONS.get(constellation or 0)),
            chosen.security is None or chosen.security & bands(killmail["solar_system_id"]),
            within(chosen.min_value, told["value"], chosen.max_value),
            within(chosen.min_attackers, count, chosen.max_attackers),
            chosen.since is None or time >= chosen.since,
            chosen.until is None or time < chosen.until,
            *(getattr(chosen, flag) in (None, told[flag]) for flag in ("solo", "npc", "awox")),
            chosen.pod in (None, matches(killmail, "VICTIM", ParticipantFilter(ship_group_id=CAPSULES))),
        )
    )


def drawn_filter(dice: random.Random) -> KillmailFilter:
    def somebody() -> ParticipantFilter:
        return ParticipantFilter(
            character_id=dice.choice([None, None, *PILOTS]),
            corporation_id=dice.choice([None, None, None, *CORPORATIONS]),
            alliance_id=dice.choice([None, None, None, *ALLIANCES]),
            ship_type_id=dice.choice([None, None, None, *SHIPS]),
            ship_group_id=dice.choice([None, None, None, 25, 29]),
        )

    choices: dict[str, Any] = {
        "character_id": dice.choice(PILOTS),
        "corporation_id": dice.choice(CORPORATIONS),
        "alliance_id": dice.choice(ALLIANCES),
        "side": dice.choice(["VICTIM", "ATTACKER"]),
        "scope": dice.choice(["ACCOUNT", "VISIBLE"]),
        "victim": somebody(),
        "attacker": somebody(),
        "participant": somebody(),
        "solar_system_id": dice.choice([*SYSTEMS]),
        "constellation_id": dice.choice([*REGIONS]),
        "region_id": dice.choice([*REGIONS.values()]),
        "security": frozenset(dice.sample(["HIGH_SEC", "LOW_SEC", "NULL_SEC", "WORMHOLE"], dice.choice([0, 1, 2]))),
        "min_value": Decimal(dice.randrange(12)) * 1_000_000,
        "max_value": Decimal(dice.randrange(5, 20)) * 1_000_000,
        "since": START + timedelta(minutes=dice.randrange(60)),
        "until": START + timedelta(minutes=dice.randrange(50, 120)),
        "min_attackers": dice.choice([1, 2]),
        "max_attackers": dice.choice([1, 3]),
        "solo": dice.random() < 0.5,
        "npc": dice.random() < 0.5,
        "awox": dice.random() < 0.5,
        "pod": dice.random() < 0.5,
    }
    return KillmailFilter(**{name: choices[name] for name in dice.sample([*choices], dice.choice([1, 1, 2, 2, 3]))})


async def read(
    pool: asyncpg.Pool, chosen: KillmailFilter, order: Order, first: int, viewer: Viewer = EYES
) -> list[int]:
    ids: list[int] = []
    after = None
    while True:
        page = await listed(pool, viewer, first, after, chosen, order)
        ids += page.ids
        if not page.has_more:
            return ids
        after = page.cursors[-1]


@pytest.mark.parametrize("probed", [5_000, 0])
async def test_filters_find_what_a_plain_look_finds(
    pool: asyncpg.Pool, killmails: list[Body], probed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.killmails.pages.PROBED", probed)  # with 0 everything is too much to be gathered
    dice = random.Random(11)  # noqa: S311 - a draw to repeat
    found_something = 0
    for _ in range(100):
        chosen = drawn_filter(dice)
        fitting = [one for one in killmails if fits(one, chosen)]
        expected = sorted((one["killmail_id"] for one in fitting), reverse=True)
        assert await read(pool, chosen, "TIME", 25) == expected, chosen
        assert await count(pool, EYES, chosen) == len(expected), chosen
        valued = [
            (one["appraisal"]["value"], one["killmail_id"]) for one in fitting if one["appraisal"]["value"] is not None
        ]
        assert await read(pool, chosen, "VALUE", 25) == [number for _, number in sorted(valued, reverse=True)], chosen
        found_something += bool(expected)
    assert found_something > 40


@pytest.mark.parametrize("probed", [5_000, 0])
async def test_who_sees_everything_is_told_by_side_of_their_own(
    pool: asyncpg.Pool, killmails: list[Body], probed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.killmails.pages.PROBED", probed)
    dice = random.Random(13)  # noqa: S311 - a draw to repeat
    sides: list[Side] = ["VICTIM", "ATTACKER"]
    for drawn in (drawn_filter(dice) for _ in range(60)):
        chosen = replace(drawn, scope="VISIBLE", side=dice.choice([drawn.side, *sides]))
        fitting = [one for one in killmails if fits(one, chosen, everything=True)]
        expected = sorted((one["killmail_id"] for one in fitting), reverse=True)
        assert await read(pool, chosen, "TIME", 25, EVERYTHING_SEEN) == expected, chosen
        assert await count(pool, EVERYTHING_SEEN, chosen) == len(expected), chosen
        assert await seen_of(pool, EVERYTHING_SEEN, range(1, 121), chosen) == expected, chosen
        valued = [
            (one["appraisal"]["value"], one["killmail_id"]) for one in fitting if one["appraisal"]["value"] is not None
        ]
        by_value = [number for _, number in sorted(valued, reverse=True)]
        assert await read(pool, chosen, "VALUE", 25, EVERYTHING_SEEN) == by_value, chosen
    without_a_side = Viewer((), sight="ALL")
    assert await count(pool, without_a_side, KillmailFilter(side="VICTIM", scope="VISIBLE")) == len(killmails)


async def test_filters_hold_for_killmails_chosen_by_id(pool: asyncpg.Pool, killmails: list[Body]) -> None:
    dice = random.Random(12)  # noqa: S311 - a draw to repeat
    ids = range(1, 61)
    for _ in range(60):
        chosen = drawn_filter(dice)
        if chosen.scope is None and chosen.named == ParticipantFilter():
            continue  # what is chosen by id is not narrowed to the account
        expected = [one["killmail_id"] for one in killmails[:60] if fits(one, chosen)]
        assert await seen_of(pool, EYES, ids, chosen) == expected[::-1], chosen


@pytest.mark.usefixtures("killmails")
async def test_a_page_by_value_is_stable_while_killmails_arrive(pool: asyncpg.Pool) -> None:
    whole = await read(pool, KillmailFilter(), "VALUE", 100)
    page = await listed(pool, EYES, 10, order="VALUE")
    await store_killmails(pool, [raw(body(500, victim=ME)), raw(body(501, victim=ME))])
    await pool.execute("UPDATE killmails SET total_value = 10 ^ 12, price_date = '2026-01-01' WHERE killmail_id = 500")
    rest = await listed(pool, EYES, 100, page.cursors[-1], order="VALUE")
    assert page.ids + rest.ids == whole


async def test_a_cursor_of_another_order_is_refused(pool: asyncpg.Pool) -> None:
    by_time, by_value = encode_cursor(datetime(2026, 1, 1, tzinfo=UTC), 1), encode_value_cursor(Decimal("1.50"), 1)
    with pytest.raises(InvalidCursor):
        await listed(pool, EYES, 5, by_time, order="VALUE")
    with pytest.raises(InvalidCursor):
        await listed(pool, EYES, 5, by_value, order="TIME")
    assert decode_value_cursor(by_value) == (Decimal("1.50"), 1)
    for foreign in ("", "AgAAAAAAAAAB", "AgAAAAAAAAABTmFO", "AgAAAAAAAAABMWU5OQ", by_value + "=", by_value[:-1] + "x"):
        with pytest.raises(InvalidCursor):
            decode_value_cursor(foreign)
