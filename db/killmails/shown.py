"""What strangers find: names and pages of those who are on a killmail that they may see, and of nobody else.

Whoever is logged in finds everybody who is on any killmail here; names are public in EVE, being here is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import asyncpg

from db.killmails.about import killmails_about
from db.killmails.filter import EVERYTHING, Viewer
from db.killmails.rows import FeedRead, Wanted
from db.universe.profiles import ProfileKind
from db.universe.search import Hit, Kind, search
from db.visibility import is_public

LOOKED_AT = 1_000
"""So many of the newest killmails of each name are looked at; one that is public before them only is not found."""
LOOKED_THROUGH = 100
"""So many names are looked through for strangers: those that they may not see would leave no place for the others."""
_OF: Mapping[Kind, str] = {"CHARACTER": "character_id", "CORPORATION": "corporation_id", "ALLIANCE": "alliance_id"}
"""Kinds that are somebody; the others are EVE's own, and everybody's."""


async def is_shown(pool: asyncpg.Pool, viewer: Viewer, kind: ProfileKind, entity_id: int) -> bool:
    """Whether the viewer may see a killmail of this pilot, corporation, alliance, solar system or type."""
    read = FeedRead(viewer, 1, None, killmails_about(kind, entity_id, EVERYTHING))
    async with pool.acquire() as connection:
        return bool((await read.read(connection, Wanted())).killmails)


def sees_only_public(viewer: Viewer) -> bool:
    """A stranger on a board that is not public as a whole."""
    return viewer.is_stranger and viewer.sight != "ALL"


async def search_for(pool: asyncpg.Pool, viewer: Viewer, name: str, kinds: Collection[Kind], first: int) -> list[Hit]:
    """`db.universe.search.search` for this viewer. Two more statements for strangers on a board that is not public."""
    if not sees_only_public(viewer):
        return await search(pool, name, kinds, first)
    hits = await search(pool, name, kinds, max(first, LOOKED_THROUGH))
    shown = {
        kind: await _on_public_killmails(pool, column, [hit.id for hit in hits if hit.kind == kind])
        for kind, column in _OF.items()
    }
    return [hit for hit in hits if hit.kind not in shown or hit.id in shown[hit.kind]][:first]


async def _on_public_killmails(pool: asyncpg.Pool, column: str, ids: list[int]) -> set[int]:
    if not ids:
        return set()
    rows = await pool.fetch(
        f"""
        SELECT asked.id FROM unnest($1::bigint[]) AS asked(id)
        WHERE EXISTS (
            SELECT FROM (
                SELECT killmail_id FROM participants WHERE {column} = asked.id
                ORDER BY killmail_time DESC, killmail_id DESC LIMIT {LOOKED_AT}
            ) AS newest
            JOIN participants AS somebody USING (killmail_id)
            WHERE {is_public("somebody")}
        )
        """,
        ids,
    )
    return {row["id"] for row in rows}
