"""What a pilot may see of the killmails: decided here, in the query, for every reader.

A viewer sees the killmails that one of their characters, or a corporation whose board is open to them
(`db.boards`), is on as victim or attacker, and no others. Each
call takes three statements, or four, however many killmails it returns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import asyncpg

from db.cursors import InvalidCursor, decode_cursor, encode_cursor
from db.killmail_nodes import Node, killmail_node, mentioned_ids
from db.known import known_of
from db.related_losses import related_losses

__all__ = [
    "FeedPage",
    "InvalidCursor",
    "KillmailFilter",
    "Node",
    "Side",
    "Viewer",
    "feed",
    "killmail",
    "killmails_by_id",
]

Side = Literal["VICTIM", "ATTACKER"]
_BEFORE_ALL = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: the characters of their account, and the corporations whose board is open to them."""

    character_ids: tuple[int, ...]
    corporation_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KillmailFilter:
    """Which killmails: those `character_id` or `corporation_id` (one of the viewer's) is on, and on which side."""

    character_id: int | None = None
    corporation_id: int | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of the feed, newest first. `cursors[i]` continues after `nodes[i]`."""

    nodes: list[Node]
    cursors: list[str]
    has_next_page: bool


@dataclass(frozen=True, slots=True)
class _Eyes:
    """By whom a killmail is seen: characters and corporations. Their ids never coincide (ESI docs, "ID ranges")."""

    characters: list[int]
    corporations: list[int]


EVERYTHING = KillmailFilter()

# For each character (or corporation) one walk down its index of `participants` that ends after a page, then the walks
# are merged. DISTINCT inside: who is on one killmail several times must not shorten the page.
_PAGE = """
WITH page AS (
    SELECT DISTINCT seen.killmail_time, seen.killmail_id
    FROM unnest($1::bigint[]) AS viewer(entity_id)
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (participants.killmail_time, participants.killmail_id)
            participants.killmail_time, participants.killmail_id
        FROM participants
        WHERE
            participants.{entity} = viewer.entity_id
            AND (participants.killmail_time, participants.killmail_id) < ($2::timestamptz, $3::bigint)
            {side}
        ORDER BY participants.killmail_time DESC, participants.killmail_id DESC
        LIMIT $4
    ) AS seen
    ORDER BY seen.killmail_time DESC, seen.killmail_id DESC
    LIMIT $4
)
"""
_CHOSEN = """
WITH page AS (
    SELECT killmail_id
    FROM unnest($2::bigint[]) AS page(killmail_id)
    WHERE EXISTS (
        SELECT FROM participants
        WHERE
            participants.killmail_id = page.killmail_id
            AND (
                participants.character_id = ANY($1::bigint[])
                OR participants.corporation_id = ANY($5::bigint[])
            )
            {side}
    )
)
"""
# A body is read (and for a large killmail that means unpacked) only when something of it is wanted.
_COLUMNS = """
SELECT
    killmails.killmail_id,
    killmails.killmail_time,
    killmails.solar_system_id,
    killmails.attacker_count,
    killmails.destroyed_value, killmails.dropped_value, killmails.fitted_value, killmails.total_value,
    killmails.price_date, killmails.priced_kinds, killmails.item_kinds,
    killmails.solo, killmails.npc, killmails.awox, killmails.damage_done, killmails.top_damage_ordinal,
    solar_systems.security_status AS system_security_status,
    coalesce(solar_systems.wormhole_class, constellations.wormhole_class, regions.wormhole_class) AS wormhole_class,
    solar_systems.constellation_id, constellations.name AS constellation_name,
    constellations.region_id, regions.name AS region_name,
    CASE WHEN {position} THEN killmail_bodies.body #> '{{victim,position}}' END AS position,
    CASE WHEN {items} THEN killmail_bodies.body #> '{{victim,items}}' END AS items
FROM killmails
JOIN killmail_bodies USING (killmail_id)
LEFT JOIN solar_systems USING (solar_system_id)
LEFT JOIN constellations USING (constellation_id)
LEFT JOIN regions USING (region_id)
WHERE killmails.killmail_id IN (SELECT killmail_id FROM page)
ORDER BY killmails.killmail_time DESC, killmails.killmail_id DESC
"""
# A side is a condition of the text, not a parameter, so that losses are found by an index of their own.
_SIDES: dict[Side | None, str] = {
    None: "",
    "VICTIM": "AND participants.is_victim",
    "ATTACKER": "AND NOT participants.is_victim",
}
FEED = {
    (side, entity): _PAGE.format(side=condition, entity=entity)
    + _COLUMNS.format(position="$5::boolean", items="$6::boolean")
    for side, condition in _SIDES.items()
    for entity in ("character_id", "corporation_id")
}
CHOSEN = {
    side: _CHOSEN.format(side=condition) + _COLUMNS.format(position="$3::boolean", items="$4::boolean")
    for side, condition in _SIDES.items()
}

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
    with_attackers: bool,
    with_items: bool,
    with_position: bool = True,
    with_related: bool = False,
) -> FeedPage:
    """The viewer's killmails, newest first: by time, then by id.

    Killmails that arrive between two pages never make a page repeat or leave out one that was there.

    Args:
        first: how many killmails at most, from 1.
        after: a cursor of an earlier page; None for the newest.
        with_attackers, with_items, with_position, with_related: what of a killmail is wanted beside its summary.
            Attackers and items are absent from the nodes when not asked for, a position and the related loss are
            None then.

    Raises:
        InvalidCursor: `after` is not a cursor of the feed.
    """
    before_time, before_id = _BEFORE_ALL if after is None else decode_cursor(after)
    eyes = _eyes(viewer, filter)
    if filter.corporation_id is None:
        eyes = _Eyes(eyes.characters, [])  # a board is asked for by name
    if not eyes.characters and not eyes.corporations:
        return FeedPage([], [], has_next_page=False)
    entity = "character_id" if eyes.characters else "corporation_id"
    looked_for = eyes.characters or eyes.corporations
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            FEED[filter.side, entity], looked_for, before_time, before_id, first + 1, with_position, with_items
        )
        page = rows[:first]
        nodes = await _nodes(
            connection,
            page,
            eyes,
            with_attackers=with_attackers,
            with_items=with_items,
            with_related=with_related,
        )
    cursors = [encode_cursor(row["killmail_time"], row["killmail_id"]) for row in page]
    return FeedPage(nodes, cursors, has_next_page=len(rows) > first)


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
    with_attackers: bool = True,
    with_items: bool = True,
    with_position: bool = True,
) -> list[Node]:
    """Those of these killmails that the viewer may see and `filter` lets through, newest first."""
    eyes = _eyes(viewer, filter)
    wanted = sorted({killmail_id for killmail_id in ids if 0 < killmail_id < 2**63})
    if not (eyes.characters or eyes.corporations) or not wanted:
        return []
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            CHOSEN[filter.side], eyes.characters, wanted, with_position, with_items, eyes.corporations
        )
        return await _nodes(
            connection, rows, eyes, with_attackers=with_attackers, with_items=with_items, with_related=True
        )


async def _nodes(
    connection: asyncpg.pool.PoolConnectionProxy,
    rows: Sequence[asyncpg.Record],
    eyes: _Eyes,
    *,
    with_attackers: bool,
    with_items: bool,
    with_related: bool,
) -> list[Node]:
    if not rows:
        return []
    killmail_ids = [row["killmail_id"] for row in rows]
    participants: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    found = await connection.fetch(_PARTICIPANTS, killmail_ids, with_attackers)
    for participant in found:
        participants[participant["killmail_id"]].append(participant)
    viewer = {*eyes.characters, *eyes.corporations}
    related = await related_losses(connection, killmail_ids, viewer) if with_related else {}
    named = mentioned_ids(rows, found) | {loss.ship_type_id for loss in related.values()}
    known = await known_of(connection, named)
    return [
        killmail_node(
            row,
            participants[row["killmail_id"]],
            known,
            viewer,
            related.get(row["killmail_id"]),
            with_attackers=with_attackers,
            with_items=with_items,
        )
        for row in rows
    ]


def _eyes(viewer: Viewer, filter: KillmailFilter) -> _Eyes:  # noqa: A002 - the name in schema.graphql
    """By whom to look: all of the viewer's, or the one chosen if it is theirs."""
    if filter.character_id is not None:
        return _Eyes([filter.character_id] if filter.character_id in viewer.character_ids else [], [])
    if filter.corporation_id is not None:
        return _Eyes([], [filter.corporation_id] if filter.corporation_id in viewer.corporation_ids else [])
    return _Eyes(sorted(set(viewer.character_ids)), sorted(set(viewer.corporation_ids)))
