"""Which killmails a reader gets, by their ids."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import asyncpg

from db.killmails.filter import EVERYTHING, KillmailFilter, Order, Scope, Viewer
from db.killmails.rows import ByIdRead, FeedRead, KillmailRows, Wanted


@dataclass(frozen=True)
class Listed:
    """A page of a list."""

    ids: list[int]
    cursors: list[str]
    has_more: bool

    @classmethod
    def of(cls, rows: KillmailRows) -> Listed:
        return cls([row["killmail_id"] for row in rows.killmails], [*rows.cursors], rows.has_more)


async def listed(
    pool: asyncpg.Pool,
    viewer: Viewer,
    first: int,
    after: str | None = None,
    chosen: KillmailFilter = EVERYTHING,
    order: Order = "TIME",
) -> Listed:
    """A page, with everybody on it."""
    wanted = Wanted(participants={"character_id"}, everyone=True)
    async with pool.acquire() as connection:
        return Listed.of(await FeedRead(viewer, first, after, chosen, order).read(connection, wanted))


async def seen_of(
    pool: asyncpg.Pool,
    viewer: Viewer,
    ids: Collection[int],
    chosen: KillmailFilter = EVERYTHING,
    otherwise: Scope = "VISIBLE",
) -> list[int]:
    """Those of these ids that the viewer gets."""
    async with pool.acquire() as connection:
        return Listed.of(await ByIdRead(viewer, ids, chosen, otherwise).read(connection, Wanted())).ids
