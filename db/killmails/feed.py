"""The lists of what a pilot may see: decided here, in the query, for every reader.

A viewer sees the killmails that one of their characters, or a corporation whose board is open to them
or a pilot, that is open to them
(`db.visibility`), is on as victim or attacker, and no others. Each call takes a fixed few statements, however
many killmails there are. `db.killmails.rows` reads what is wanted of them.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import asyncpg

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
from db.killmails.pages import COUNTED, MakePage, best_start, count_killmails, page_by_time, page_by_value

__all__ = [
    "COUNTED",
    "InvalidCursor",
    "KillmailFilter",
    "Order",
    "ParticipantFilter",
    "Scope",
    "SecurityBand",
    "Side",
    "Viewer",
    "count",
]

_LEAST_VALUE = Decimal(-(10**30))
"""Below every value: whoever asks for at least so much leaves out the killmails without one."""
Before = tuple[Any, int]
"""Time or value, and the id, of the killmail that a page follows."""


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
    order: Order = "TIME",
) -> int:
    """How many killmails a list in this order has; `COUNTED` + 1 when there are more than `COUNTED`."""
    if order == "VALUE" and filter.min_value is None:
        filter = replace(filter, min_value=_LEAST_VALUE)  # noqa: A001 - the name in schema.graphql
    seen_by = eyes(viewer, filter, "ACCOUNT")
    if seen_by.are_closed:
        return 0
    async with pool.acquire() as connection:
        return await count_killmails(connection, seen_by, filter)
