"""Battles of what a viewer may see, found when they are asked for.

Only killmails that the viewer may see are read, by the rules of every list (`db.killmails.pages`), and grouped: so a
battle tells nothing of those they may not see, not even that two of theirs hang together by one. Nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg

from db.battles.fought import Fighter, Fought
from db.battles.grouping import GAP, Group, groups
from db.battles.moved import Sides
from db.killmails.conditions import Parameters
from db.killmails.cursors import encode_cursor
from db.killmails.feed import Before
from db.killmails.filter import Eyes, KillmailFilter, Viewer, eyes
from db.killmails.pages import MakePage, best_start, page_by_time, page_of_ids
from db.values.rules import CAPSULES

MOST_FIGHTERS = 100_000
"""Victims and attackers read for one battle; one of more is told in part."""
MOST_LOOKED_AT = 40_000
"""Victims and attackers read for one page of battles: half a second of processor."""
BATCH = 400
"""Killmails of the first look at a list of battles; each further look reads as many again as all before."""
FIRST_WINDOW = timedelta(minutes=45)
"""How far around a killmail its battle is looked for at first; then twice as far, and so on."""
LONGEST = timedelta(days=1)
"""How far around a killmail its battle is looked for at last."""
MANY = 500
"""Victims and attackers; grouping them takes a millisecond."""
_GAP = timedelta(seconds=GAP)
_SEEN = KillmailFilter(scope="VISIBLE")
_LISTED = """
{page} SELECT here.* FROM page CROSS JOIN LATERAL (
    SELECT killmail_id, killmail_time, attacker_count, solar_system_id, total_value FROM killmails
    WHERE killmails.killmail_id = page.killmail_id OFFSET 0
) AS here ORDER BY here.killmail_time DESC, here.killmail_id DESC
"""
_FIGHTERS = """
SELECT killmail_id, character_id, corporation_id, alliance_id, ship_type_id, damage
FROM participants WHERE killmail_id = ANY($1::bigint[]) ORDER BY killmail_id, ordinal
"""

Connection = asyncpg.pool.PoolConnectionProxy
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Battle:
    """`is_whole`: false if it went on where reading ended. `moved`: sides that were moved by hand."""

    group: Group
    is_whole: bool = True
    moved: Sides = field(default_factory=dict)

    @property
    def battle_id(self) -> int:
        """Its first killmail's; any other of its killmails finds it, too."""
        return self.group.first.killmail_id

    @property
    def cursor(self) -> str:
        """Continues the list after it."""
        return encode_cursor(_moment(self.group.last.time), self.group.last.killmail_id)


@dataclass(frozen=True, slots=True)
class BattleFilter:
    """Battles with a loss in this solar system, whose last killmail is at `since` or later, and before `until`."""

    solar_system_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, group: Group) -> bool:
        """Whether it is one of them."""
        last = _moment(group.last.time)
        return (
            (self.since is None or last >= self.since)
            and (self.until is None or last < self.until)
            and (
                self.solar_system_id is None
                or any(one.solar_system_id == self.solar_system_id for one in group.killmails)
            )
        )


@dataclass(frozen=True, slots=True)
class BattlePage:
    """Battles, the last that ended first. `end_cursor`: where the list continues, also after a page without any."""

    battles: Sequence[Battle]
    has_more: bool
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of a killmail: its battle, and the killmails near it in time in the same system, itself left out."""

    battle: Battle | None
    near: Sequence[Fought]


async def battle_of(pool: asyncpg.Pool, viewer: Viewer, killmail_id: int) -> Battle | None:
    """The battle that this killmail is of; None: of none, or the viewer may not see it."""
    return (await surroundings(pool, viewer, killmail_id)).battle


async def surroundings(
    pool: asyncpg.Pool, viewer: Viewer, killmail_id: int, moment: datetime | None = None
) -> Surroundings:
    """What the viewer may see around a killmail; nothing if they may not see it. One statement or a few more.

    Args:
        moment: when it happened, if it is known that the viewer may see it; that is asked otherwise.
    """
    seen_by = eyes(viewer, _SEEN, "VISIBLE")
    if seen_by.are_closed:
        return Surroundings(None, ())
    async with pool.acquire() as connection:
        if moment is None:
            itself = await _listed(connection, page_of_ids(seen_by, _SEEN, [killmail_id]))
            if not itself:
                return Surroundings(None, ())
            moment = itself[0]["killmail_time"]
        before, after = FIRST_WINDOW, FIRST_WINDOW
        while True:
            rows, cut = await _window(connection, seen_by, moment, before, after)
            near_it = [row for row in rows if abs(row["killmail_time"] - moment) <= _GAP]
            if not any(row["killmail_id"] != killmail_id for row in near_it):
                return Surroundings(None, ())  # it is all alone, so who was on it does not matter
            known = await _fought(connection, rows)
            group = await aside(_group_with, known, killmail_id, many=_fighters(rows))
            goes_on_before = group is not None and _moment(group.first.time) - _GAP <= moment - before
            goes_on_after = group is not None and _moment(group.last.time) + _GAP >= moment + after
            if cut or not (goes_on_before or goes_on_after) or max(before, after) >= LONGEST:
                break
            before, after = before * (1 + goes_on_before), after * (1 + goes_on_after)
    battle = None
    if group is not None and group.is_battle:
        battle = Battle(group, not (cut or goes_on_before or goes_on_after))
    at = next((one for one in known if one.killmail_id == killmail_id), None)
    near = [
        one
        for one in known
        if at is not None
        and one.killmail_id != killmail_id
        and one.solar_system_id == at.solar_system_id
        and abs(one.time - at.time) <= GAP
    ]
    return Surroundings(battle, sorted(near, key=lambda one: (one.time, one.killmail_id)))


async def battles_page(
    pool: asyncpg.Pool, viewer: Viewer, first: int, after: Before | None, chosen: BattleFilter
) -> BattlePage:
    """The first `first` battles that ended before the place `after` (a time and a killmail's id).

    Reads the viewer's killmails from the newest on until the page is full. Where most of them are of no battle that is
    chosen, a page may end before: with fewer battles, and with a cursor.
    """
    seen_by = eyes(viewer, _SEEN, "VISIBLE")
    if seen_by.are_closed:
        return BattlePage((), False, None)
    # What ended later is of an earlier page: seen by what of it lies within a gap after the place.
    bounds = [
        moment + _GAP for moment in (after and after[0], chosen.until) if moment is not None and moment.year < 9999
    ]
    until = min(bounds, default=None)
    known: list[Fought] = []
    place: Before | None = None
    fighters, size = 0, BATCH
    async with pool.acquire() as connection:
        while True:
            seen = replace(_SEEN, until=until)
            start = await best_start(connection, seen_by, seen)
            rows = await _listed(connection, page_by_time(seen_by, seen, start.walk, size, place))
            taken = _affordable(rows, MOST_LOOKED_AT - fighters, after)
            known += await _fought(connection, taken)
            fighters += _fighters([row for row in taken if after is None or _place(row) < after])
            if taken:
                place = _place(taken[-1])
            exhausted = len(taken) == len(rows) < size
            spent = len(taken) < len(rows)
            horizon = None if exhausted or place is None else place[0]
            found, is_all, goes_on = await asyncio.to_thread(_ended, known, after, chosen, horizon, force=spent)
            if len(found) > first or is_all or spent:
                break
            size = len(known)
    page = found[:first]
    if len(found) > first:
        return BattlePage(page, True, page[-1].cursor)
    if place is not None and not is_all:
        return BattlePage(page, True, encode_cursor(*(goes_on or place)))
    return BattlePage(page, False, page[-1].cursor if page else None)


def _ended(
    known: list[Fought], after: Before | None, chosen: BattleFilter, horizon: datetime | None, *, force: bool
) -> tuple[list[Battle], bool, Before | None]:
    """The chosen battles that ended before the place, the last first; whether those are all; and where the list goes
    on, if that is not where reading ended.

    It ends at a battle that may go on beyond the horizon: battles before it in the list are those that ended later,
    and that one might have. With `force`, when no more is read, the list goes on with that one; where it could not get
    any further so, that one is told in part.
    """
    found: list[Battle] = []
    for group in sorted(groups(known), key=lambda one: (one.last.time, one.last.killmail_id), reverse=True):
        place = _ended_at(group.last)
        if after is not None and place >= after:
            continue
        if chosen.since is not None and place[0] < chosen.since:
            return found, True, None
        is_whole = horizon is None or _moment(group.first.time) - _GAP > horizon
        if not is_whole:
            before = min((later for one in known if (later := _ended_at(one)) > place), default=None)
            if not force or (before is not None and (after is None or before < after)):
                return found, False, before
        if group.is_battle and chosen.holds(group):
            found.append(Battle(group, is_whole))
    is_all = horizon is None or (chosen.since is not None and horizon + _GAP < chosen.since)
    return found, is_all, None


def _ended_at(one: Fought) -> Before:
    return _moment(one.time), one.killmail_id


async def aside(call: Callable[..., Result], *arguments: object, many: int) -> Result:
    """What `call` gives. With many victims and attackers it takes long: others are answered meanwhile. For a few, a
    thread takes longer than the call.
    """
    return call(*arguments) if many < MANY else await asyncio.to_thread(call, *arguments)


def _fighters(killmails: Sequence[asyncpg.Record]) -> int:
    return sum(row["attacker_count"] + 1 for row in killmails)


def _place(row: asyncpg.Record) -> Before:
    return row["killmail_time"], row["killmail_id"]


def _affordable(rows: Sequence[asyncpg.Record], fighters: int, after: Before | None = None) -> Sequence[asyncpg.Record]:
    """As many as have so many victims and attackers. What ended an earlier page (`after`), or came later, costs
    nothing: in a quarter of an hour there may be more than a page may read, and each page must get further.
    """
    for number, row in enumerate(rows):
        if after is not None and _place(row) >= after:
            continue
        fighters -= row["attacker_count"] + 1
        if fighters < 0:
            # One at least, however large: else a page would never end.
            return rows[: max(number, 1)]
    return rows


def _group_with(known: list[Fought], killmail_id: int) -> Group | None:
    return next(
        (group for group in groups(known) if any(one.killmail_id == killmail_id for one in group.killmails)), None
    )


async def _window(
    connection: Connection, seen_by: Eyes, moment: datetime, before: timedelta, after: timedelta
) -> tuple[Sequence[asyncpg.Record], bool]:
    """The killmails around this moment, and whether there are more than may be read: then the nearest."""
    seen = replace(_SEEN, since=moment - before, until=moment + after)
    start = await best_start(connection, seen_by, seen)
    rows = await _listed(connection, page_by_time(seen_by, seen, start.walk, MOST_FIGHTERS // 2, None))
    nearest = sorted(rows, key=lambda row: abs(row["killmail_time"] - moment))
    taken = _affordable(nearest, MOST_FIGHTERS)
    return taken, len(taken) < len(rows)


async def _listed(connection: Connection, page: MakePage) -> Sequence[asyncpg.Record]:
    parameters = Parameters()
    statement = _LISTED.format(page=page(parameters))
    rows: Sequence[asyncpg.Record] = await connection.fetch(statement, *parameters.values)
    return rows


async def _fought(connection: Connection, killmails: Sequence[asyncpg.Record]) -> list[Fought]:
    if not killmails:
        return []
    fighters = await connection.fetch(_FIGHTERS, [row["killmail_id"] for row in killmails])
    return await aside(_made, killmails, fighters, many=len(fighters))


def _made(killmails: Sequence[asyncpg.Record], fighters: Sequence[asyncpg.Record]) -> list[Fought]:
    on: dict[int, list[Fighter]] = {}
    for row in fighters:
        on.setdefault(row[0], []).append(Fighter(row[1], row[2], row[3], row[4], row[5]))
    return [
        Fought(
            row["killmail_id"],
            row["killmail_time"].timestamp(),
            row["solar_system_id"],
            row["total_value"],
            victim.ship_type_id in CAPSULES,
            victim,
            tuple(attackers),
        )
        for row in killmails
        if row["killmail_id"] in on  # or it is gone by now
        for victim, *attackers in (on[row["killmail_id"]],)
    ]


def _moment(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)
