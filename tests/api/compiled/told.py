"""Killmails with everything that is told of them, read as an export reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from api.compiled.reads import CompiledReads
from api.compiled.whole import EXPORTED
from db.killmails.filter import EVERYTHING, KillmailFilter, Viewer
from db.killmails.rows import ByIdRead, FeedRead

Node = dict[str, Any]


async def told(pool: asyncpg.Pool, viewer: Viewer, killmail_id: int) -> Node | None:
    """One killmail; None when the viewer may not see it."""
    found = await told_of(pool, viewer, [killmail_id])
    return found[0] if found else None


async def told_of(
    pool: asyncpg.Pool, viewer: Viewer, ids: Sequence[int], chosen: KillmailFilter = EVERYTHING
) -> list[Node]:
    """Those of these killmails that the viewer may see, newest first."""
    return (await CompiledReads(pool).page(EXPORTED, ByIdRead(viewer, ids, chosen))).killmails()


async def told_feed(
    pool: asyncpg.Pool, viewer: Viewer, first: int = 100, chosen: KillmailFilter = EVERYTHING
) -> list[Node]:
    """The newest killmails of a viewer."""
    return (await CompiledReads(pool).page(EXPORTED, FeedRead(viewer, first, None, chosen))).killmails()
