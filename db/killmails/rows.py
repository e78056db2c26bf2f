"""Killmails as rows of ids: what a planned read (`api/compiled`) takes from the tables, and no more.

A fixed few statements however many killmails. What the ids stand for is not read
here: whoever asks keeps that in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from db.killmails.conditions import Parameters
from db.killmails.feed import cursor_of, decoded, feed_page
from db.killmails.filter import EVERYTHING, KillmailFilter, Order, Viewer, eyes
from db.killmails.pages import MakePage, page_of_ids
from db.killmails.related_losses import RelatedLoss, related_losses

Connection = asyncpg.pool.PoolConnectionProxy

_BODY_PARTS = {
    "position": "killmail_bodies.body #> '{victim,position}' AS position",
    "items": "killmail_bodies.body #> '{victim,items}' AS items",
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

    def killmails_sql(self, page: str, order: Order) -> str:
        """The killmails of `page`, a CTE `page` with their ids, in this order."""
        parts = [_BODY_PARTS.get(name, f"killmails.{name}") for name in sorted({*self.killmails, _ORDERS[order]})]
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

    `participants` is empty when no column of theirs is wanted.
    """

    killmails: Sequence[asyncpg.Record] = ()
    cursors: Sequence[str] = ()
    has_more: bool = False
    participants: Sequence[asyncpg.Record] = ()
    related: Mapping[int, RelatedLoss] = field(default_factory=dict)


NONE = KillmailRows()


class FeedRead:
    """A page of `db.killmails.feed.feed`, to be read in rows.

    Raises:
        InvalidCursor: `after` is not a cursor of this order.
    """

    def __init__(
        self, viewer: Viewer, first: int, after: str | None, chosen: KillmailFilter, order: Order = "TIME"
    ) -> None:
        self._viewer = viewer
        self._seen_by = eyes(viewer, chosen, "ACCOUNT")
        self._first, self._before = first, decoded(after, order)
        self._chosen, self._order = chosen, order

    async def read(self, connection: Connection, wanted: Wanted) -> KillmailRows:
        """At most three statements, one more where related losses are wanted."""
        if self._seen_by.are_closed:
            return NONE
        page = await feed_page(connection, self._seen_by, self._chosen, self._order, self._first + 1, self._before)
        return await _read(connection, page, self._order, self._first, self._viewer, wanted)


@dataclass(frozen=True, slots=True)
class KillmailRead:
    """The killmail of `db.killmails.feed.killmail`, to be read in rows."""

    viewer: Viewer
    killmail_id: int

    async def read(self, connection: Connection, wanted: Wanted) -> KillmailRows:
        """Empty when there is none of this id that the viewer may see."""
        seen_by = eyes(self.viewer, EVERYTHING, "VISIBLE")
        if seen_by.are_closed or not 0 < self.killmail_id < 2**63:
            return NONE
        page = page_of_ids(seen_by, EVERYTHING, [self.killmail_id])
        return await _read(connection, page, "TIME", 1, self.viewer, wanted)


async def _read(
    connection: Connection, page: MakePage, order: Order, first: int, viewer: Viewer, wanted: Wanted
) -> KillmailRows:
    parameters = Parameters()
    statement = wanted.killmails_sql(page(parameters), order)
    found = await connection.fetch(statement, *parameters.values)
    killmails = found[:first]
    ids = [row["killmail_id"] for row in killmails]
    participants: Sequence[asyncpg.Record] = ()
    related: Mapping[int, RelatedLoss] = {}
    if ids and wanted.participants:
        participants = await connection.fetch(wanted.participants_sql(), ids)
    if ids and wanted.related:
        related = await related_losses(connection, ids, {*viewer.character_ids, *viewer.corporation_ids})
    cursors = [cursor_of(row, order) for row in killmails]
    return KillmailRows(killmails, cursors, len(found) > first, participants, related)
