"""What a pilot may see of the killmails: decided here, in the query, for every reader.

A viewer sees the killmails that one of their characters, or a corporation whose board is open to them
(`db.boards`), is on as victim or attacker, and no others. Each call takes a fixed few statements, however many
killmails it returns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.killmails.conditions import Parameters
from db.killmails.cursors import InvalidCursor, decode_cursor, decode_value_cursor, encode_cursor, encode_value_cursor
from db.killmails.filter import (
    EVERYTHING,
    Eyes,
    KillmailFilter,
    Order,
    ParticipantFilter,
    Scope,
    SecurityBand,
    Side,
    Viewer,
    eyes,
)
from db.killmails.nodes import Node, killmail_node, mentioned_ids
from db.killmails.pages import COUNTED, MakePage, best_start, count_killmails, page_by_time, page_by_value, page_of_ids
from db.killmails.related_losses import related_losses
from db.universe.known import known_of
from db.universe.places import COLUMNS, JOINS

__all__ = [
    "COUNTED",
    "FeedPage",
    "InvalidCursor",
    "KillmailFilter",
    "Node",
    "Order",
    "ParticipantFilter",
    "Scope",
    "SecurityBand",
    "Side",
    "Viewer",
    "count",
    "feed",
    "killmail",
    "killmails_by_id",
]


Before = tuple[Any, int]
"""Time or value, and the id, of the killmail that a page follows."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of killmails in their order. `cursors[i]` continues after `nodes[i]`."""

    nodes: list[Node]
    cursors: list[str]
    has_next_page: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What of a killmail is wanted beside its summary."""

    attackers: bool
    items: bool
    position: bool
    related: bool


# A body is read (and for a large killmail that means unpacked) only when something of it is wanted.
_ROWS = """
SELECT
    killmails.killmail_id,
    killmails.killmail_time,
    killmails.solar_system_id,
    killmails.attacker_count,
    killmails.destroyed_value, killmails.dropped_value, killmails.fitted_value, killmails.total_value,
    killmails.price_date, killmails.priced_kinds, killmails.item_kinds,
    killmails.solo, killmails.npc, killmails.awox, killmails.damage_done, killmails.top_damage_ordinal,
    {place},
    CASE WHEN {position} THEN killmail_bodies.body #> '{{victim,position}}' END AS position,
    CASE WHEN {items} THEN killmail_bodies.body #> '{{victim,items}}' END AS items
FROM killmails
JOIN killmail_bodies USING (killmail_id)
{joins}
WHERE killmails.killmail_id IN (SELECT killmail_id FROM page)
ORDER BY killmails.{order} DESC, killmails.killmail_id DESC
"""
_PARTICIPANTS = """
SELECT
    killmail_id, ordinal, character_id, corporation_id, alliance_id, faction_id, ship_type_id, weapon_type_id, damage,
    final_blow, security_status
FROM participants
JOIN killmails USING (killmail_id)
WHERE killmail_id = ANY($1::bigint[]) AND (is_victim OR final_blow OR ordinal = top_damage_ordinal OR $2)
ORDER BY killmail_id, ordinal
"""


async def feed(
    pool: asyncpg.Pool,
    viewer: Viewer,
    first: int,
    after: str | None,
    filter: KillmailFilter = EVERYTHING,  # noqa: A002 - the name in schema.graphql
    *,
    order: Order = "TIME",
    with_attackers: bool,
    with_items: bool,
    with_position: bool = True,
    with_related: bool = False,
) -> FeedPage:
    """The viewer's killmails, newest first (by time, then by id) or most valuable first.

    Killmails that arrive between two pages never make a page repeat or leave out one that was there. Those without a
    value are not in the list by value. Three statements, one more for a filter or the list by value, and one more
    for related losses.

    Args:
        first: how many killmails at most, from 1.
        after: a cursor of an earlier page in the same order; None for the first page.
        filter: in the scope of the account unless it says otherwise.
        with_attackers, with_items, with_position, with_related: what of a killmail is wanted beside its summary.
            Attackers and items are absent from the nodes when not asked for, a position and the related loss are
            None then.

    Raises:
        InvalidCursor: `after` is not a cursor of this order.
    """
    before = decoded(after, order)
    seen_by = eyes(viewer, filter, "ACCOUNT")
    if seen_by.are_closed:
        return FeedPage([], [], has_next_page=False)
    wanted = _Wanted(with_attackers, with_items, with_position, with_related)
    async with pool.acquire() as connection:
        page = await feed_page(connection, seen_by, filter, order, first + 1, before)
        rows = await _rows(connection, page, order, wanted)
        nodes = await _nodes(connection, rows[:first], viewer, _whose_side(seen_by, filter), wanted)
    cursors = [cursor_of(row, order) for row in rows[:first]]
    return FeedPage(nodes, cursors, has_next_page=len(rows) > first)


async def feed_page(
    connection: asyncpg.pool.PoolConnectionProxy,
    seen_by: Eyes,
    filter: KillmailFilter,  # noqa: A002 - the name in schema.graphql
    order: Order,
    limit: int,
    before: Before | None,
) -> MakePage:
    """The first `limit` killmails of a list after the place `before`."""
    start = await best_start(connection, seen_by, filter, count_one=order == "VALUE")
    if order == "TIME":
        return page_by_time(seen_by, filter, start.walk, limit, before)
    return page_by_value(seen_by, filter, start, limit, before)


def decoded(after: str | None, order: Order) -> Before | None:
    """The place in the list that a cursor names.

    Raises:
        InvalidCursor: it is not a cursor of this order.
    """
    if after is None:
        return None
    return decode_cursor(after) if order == "TIME" else decode_value_cursor(after)


def cursor_of(row: asyncpg.Record, order: Order) -> str:
    """The cursor that continues after this row of `killmails`."""
    if order == "TIME":
        return encode_cursor(row["killmail_time"], row["killmail_id"])
    return encode_value_cursor(row["total_value"], row["killmail_id"])


async def count(
    pool: asyncpg.Pool,
    viewer: Viewer,
    filter: KillmailFilter = EVERYTHING,  # noqa: A002 - the name in schema.graphql
) -> int:
    """How many killmails `feed` has, newest first; `COUNTED` + 1 when there are more than `COUNTED`."""
    seen_by = eyes(viewer, filter, "ACCOUNT")
    if seen_by.are_closed:
        return 0
    async with pool.acquire() as connection:
        return await count_killmails(connection, seen_by, filter)


async def killmail(pool: asyncpg.Pool, viewer: Viewer, killmail_id: int) -> Node | None:
    """One killmail with everything; None when there is none of this id that the viewer may see."""
    nodes = await killmails_by_id(pool, viewer, [killmail_id])
    return nodes[0] if nodes else None


async def killmails_by_id(
    pool: asyncpg.Pool,
    viewer: Viewer,
    ids: Collection[int],
    filter: KillmailFilter = EVERYTHING,  # noqa: A002 - the name in schema.graphql
    *,
    otherwise: Scope = "VISIBLE",
    with_attackers: bool = True,
    with_items: bool = True,
    with_position: bool = True,
) -> list[Node]:
    """Those of these killmails that the viewer may see and `filter` lets through, newest first.

    Args:
        otherwise: the scope when `filter` neither names anybody nor a scope.
    """
    seen_by = eyes(viewer, filter, otherwise)
    asked_for = sorted({killmail_id for killmail_id in ids if 0 < killmail_id < 2**63})
    if seen_by.are_closed or not asked_for:
        return []
    wanted = _Wanted(with_attackers, with_items, with_position, related=True)
    async with pool.acquire() as connection:
        rows = await _rows(connection, page_of_ids(seen_by, filter, asked_for), "TIME", wanted)
        return await _nodes(connection, rows, viewer, _whose_side(seen_by, filter), wanted)


async def _rows(
    connection: asyncpg.pool.PoolConnectionProxy, page: MakePage, order: Order, wanted: _Wanted
) -> list[asyncpg.Record]:
    parameters = Parameters()
    statement = page(parameters) + _ROWS.format(
        position=parameters.bind(wanted.position, "boolean"),
        items=parameters.bind(wanted.items, "boolean"),
        place=COLUMNS,
        joins=JOINS,
        order="killmail_time" if order == "TIME" else "total_value",
    )
    rows: list[asyncpg.Record] = await connection.fetch(statement, *parameters.values)
    return rows


async def _nodes(
    connection: asyncpg.pool.PoolConnectionProxy,
    rows: Sequence[asyncpg.Record],
    viewer: Viewer,
    whose_side: Set[int],
    wanted: _Wanted,
) -> list[Node]:
    if not rows:
        return []
    killmail_ids = [row["killmail_id"] for row in rows]
    participants: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    found = await connection.fetch(_PARTICIPANTS, killmail_ids, wanted.attackers)
    for participant in found:
        participants[participant["killmail_id"]].append(participant)
    all_eyes = {*viewer.character_ids, *viewer.corporation_ids}
    related = await related_losses(connection, killmail_ids, all_eyes) if wanted.related else {}
    named = mentioned_ids(rows, found) | {loss.ship_type_id for loss in related.values()}
    known = await known_of(connection, named)
    return [
        killmail_node(
            row,
            participants[row["killmail_id"]],
            known,
            whose_side,
            related.get(row["killmail_id"]),
            with_attackers=wanted.attackers,
            with_items=wanted.items,
        )
        for row in rows
    ]


def _whose_side(seen_by: Eyes, chosen: KillmailFilter) -> frozenset[int]:
    """By whom `side` is told: who is named, the most particular of them, else the viewer."""
    named = chosen.named
    for identity in (named.character_id, named.corporation_id, named.alliance_id):
        if identity is not None:
            return frozenset((identity,))
    return frozenset((*seen_by.characters, *seen_by.corporations))
