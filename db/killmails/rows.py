"""Killmails as rows of ids: what a planned read (`api/compiled`) takes from the tables, and no more.

A fixed few statements however many killmails. What the ids stand for is not read
here: whoever asks keeps that in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg

from db.killmails.conditions import Parameters
from db.killmails.feed import cursor_of, decoded, feed_page
from db.killmails.filter import EVERYTHING, Eyes, KillmailFilter, Order, Scope, Viewer, eyes
from db.killmails.pages import MakePage, page_of_ids
from db.killmails.related_losses import RelatedLoss, related_losses
from db.universe.celestials import nearest_celestials
from db.values.prices import KillmailPrices, prices_of_killmails

Connection = asyncpg.pool.PoolConnectionProxy

_BODY_PARTS = {
    # A null is what is not there.
    "position": "nullif(killmail_bodies.body #> '{victim,position}', 'null') AS position",
    "items": "nullif(killmail_bodies.body #> '{victim,items}', 'null') AS items",
}
_WORKED_OUT = {
    # Before our own first snapshot a killmail has The Forge's prices of its day, or else those of that snapshot.
    "price_source": (
        "CASE WHEN killmails.price_date < (SELECT min(day) FROM price_snapshots) THEN 'THE_FORGE' ELSE 'ESI' END"
        " AS price_source"
    )
}
_ORDERS: Mapping[Order, str] = {"TIME": "killmail_time", "VALUE": "total_value"}
_OF_KILLMAIL = {"damage_of_all": "killmails.damage_done AS damage_of_all"}


@dataclass(slots=True)
class Wanted:
    """Which columns: of `killmails` (there are also `position` and `items`, JSON text from the body), and of
    `participants` (also `damage_of_all`, by all attackers).

    `everyone`: all attackers, not just the victim, the final blow and who did the most damage.
    """

    killmails: set[str] = field(default_factory=lambda: {"killmail_id", "killmail_time"})
    participants: set[str] = field(default_factory=set)
    everyone: bool = False
    related: bool = False
    nearest: bool = False
    prices: bool = False

    def killmails_sql(self, page: str, order: Order) -> str:
        """The killmails of `page`, a CTE `page` with their ids, in this order."""
        told = {**_BODY_PARTS, **_WORKED_OUT}
        parts = [told.get(name, f"killmails.{name}") for name in sorted({*self.killmails, _ORDERS[order]})]
        bodies = " JOIN killmail_bodies USING (killmail_id)" if self.killmails & _BODY_PARTS.keys() else ""
        # OFFSET 0 keeps the planner from reading all of a small table for the fifty of a page.
        return (
            f"{page} SELECT here.* FROM page CROSS JOIN LATERAL ("
            f"SELECT {', '.join(parts)} FROM killmails{bodies} WHERE killmails.killmail_id = page.killmail_id OFFSET 0"
            f") AS here ORDER BY here.{_ORDERS[order]} DESC, here.killmail_id DESC"
        )

    def participants_sql(self) -> str:
        """The participants of the killmails `$1`: by killmail, the victim first, then attackers in ESI's order."""
        names = sorted(self.participants | {"killmail_id", "ordinal"})
        parts = [_OF_KILLMAIL.get(name, f"participants.{name}") for name in names]
        some = "" if self.everyone else " AND (is_victim OR final_blow OR ordinal = top_damage_ordinal)"
        killmails = (
            ""
            if self.everyone and not self.participants & _OF_KILLMAIL.keys()
            else " JOIN killmails USING (killmail_id)"
        )
        return (
            f"SELECT {', '.join(parts)} FROM participants{killmails}"
            f" WHERE participants.killmail_id = ANY($1::bigint[]){some}"
            " ORDER BY participants.killmail_id, participants.ordinal"
        )


@dataclass(frozen=True, slots=True)
class KillmailRows:
    """Killmails in their order, `cursors[i]` continues after the i-th.

    `participants` is empty when no column of theirs is wanted. `whose_side`: the characters, corporations or alliances
    by whom it is told on which side of a killmail the reader is.
    """

    killmails: Sequence[asyncpg.Record] = ()
    cursors: Sequence[str] = ()
    has_more: bool = False
    participants: Sequence[asyncpg.Record] = ()
    related: Mapping[int, RelatedLoss] = field(default_factory=dict)
    nearest: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    prices: Mapping[int, KillmailPrices] = field(default_factory=dict)
    whose_side: frozenset[int] = frozenset()


NONE = KillmailRows()


class Read(Protocol):
    """Some killmails, still to be read."""

    async def read(self, connection: Connection, wanted: Wanted) -> KillmailRows:
        """What is wanted of them, as far as the viewer may see them."""


class FeedRead:
    """A page of a viewer's killmails, newest first (by time, then by id) or most valuable first.

    Killmails that arrive between two pages never make a page repeat or leave out one that was there. Those without a
    value are not in the list by value.

    Args:
        first: how many killmails at most, from 1.
        after: a cursor of an earlier page in the same order; None for the first page.
        chosen: in the scope of the account unless it says otherwise.

    Raises:
        InvalidCursor: `after` is not a cursor of this order.
    """

    def __init__(
        self,
        viewer: Viewer,
        first: int,
        after: str | None = None,
        chosen: KillmailFilter = EVERYTHING,
        order: Order = "TIME",
    ) -> None:
        self._viewer = viewer
        self._seen_by = eyes(viewer, chosen, "ACCOUNT")
        self._first, self._before = first, decoded(after, order)
        self._chosen, self._order = chosen, order

    async def read(self, connection: Connection, wanted: Wanted) -> KillmailRows:
        """At most three statements, one more for each of related losses, celestials and prices."""
        if self._seen_by.are_closed:
            return NONE
        page = await feed_page(connection, self._seen_by, self._chosen, self._order, self._first + 1, self._before)
        side = whose_side(self._seen_by, self._chosen)
        return await _read(connection, page, self._order, self._first, self._viewer, side, wanted)


@dataclass(frozen=True, slots=True)
class ByIdRead:
    """Those of these killmails that the viewer may see and `chosen` lets through, newest first.

    `otherwise`: the scope when `chosen` neither names anybody nor a scope.
    """

    viewer: Viewer
    ids: Collection[int]
    chosen: KillmailFilter = EVERYTHING
    otherwise: Scope = "VISIBLE"

    async def read(self, connection: Connection, wanted: Wanted) -> KillmailRows:
        """At most two statements, one more for each of related losses, celestials and prices."""
        seen_by = eyes(self.viewer, self.chosen, self.otherwise)
        ids = sorted({killmail_id for killmail_id in self.ids if 0 < killmail_id < 2**63})
        if seen_by.are_closed or not ids:
            return NONE
        page, side = page_of_ids(seen_by, self.chosen, ids), whose_side(seen_by, self.chosen)
        return await _read(connection, page, "TIME", len(ids), self.viewer, side, wanted)


async def may_see(pool: asyncpg.Pool, viewer: Viewer, killmail_id: int) -> bool:
    """Whether there is such a killmail that the viewer may see."""
    async with pool.acquire() as connection:
        rows = await ByIdRead(viewer, [killmail_id]).read(connection, Wanted())
    return bool(rows.killmails)


async def _read(
    connection: Connection,
    page: MakePage,
    order: Order,
    first: int,
    viewer: Viewer,
    whose_side: frozenset[int],
    wanted: Wanted,
) -> KillmailRows:
    parameters = Parameters()
    statement = wanted.killmails_sql(page(parameters), order)
    found = await connection.fetch(statement, *parameters.values)
    killmails = found[:first]
    ids = [row["killmail_id"] for row in killmails]
    participants: Sequence[asyncpg.Record] = ()
    related: Mapping[int, RelatedLoss] = {}
    nearest: Mapping[int, Mapping[str, Any]] = {}
    prices: Mapping[int, KillmailPrices] = {}
    if ids and wanted.participants:
        participants = await connection.fetch(wanted.participants_sql(), ids)
    if ids and wanted.related:
        related = await related_losses(connection, ids, viewer)
    if ids and wanted.nearest:
        nearest = await nearest_celestials(connection, ids)
    if ids and wanted.prices:
        prices = await prices_of_killmails(connection, ids)
    cursors = [cursor_of(row, order) for row in killmails]
    return KillmailRows(killmails, cursors, len(found) > first, participants, related, nearest, prices, whose_side)


def whose_side(seen_by: Eyes, chosen: KillmailFilter) -> frozenset[int]:
    """By whom it is told on which side one is: who is named, the most particular of them, else the viewer."""
    named = chosen.named
    for identity in (named.character_id, named.corporation_id, named.alliance_id):
        if identity is not None:
            return frozenset((identity,))
    return frozenset((*seen_by.characters, *seen_by.corporations))
