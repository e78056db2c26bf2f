"""What comes before and after a killmail in the feed of whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from db.killmails.filter import Viewer

# Down an index from the killmail's place in it, once for each of the account's characters and each way.
_NEIGHBOURS = """
WITH here AS MATERIALIZED (SELECT killmail_time, killmail_id FROM killmails WHERE killmail_id = $1)
SELECT
    (
        SELECT next.killmail_id
        FROM here, unnest($2::bigint[]) AS pilot(character_id)
        CROSS JOIN LATERAL (
            SELECT one.killmail_time, one.killmail_id
            FROM participants AS one
            WHERE one.character_id = pilot.character_id
                AND (one.killmail_time, one.killmail_id) > (here.killmail_time, here.killmail_id)
            ORDER BY one.killmail_time, one.killmail_id
            LIMIT 1
        ) AS next
        ORDER BY next.killmail_time, next.killmail_id
        LIMIT 1
    ) AS newer,
    (
        SELECT next.killmail_id
        FROM here, unnest($2::bigint[]) AS pilot(character_id)
        CROSS JOIN LATERAL (
            SELECT one.killmail_time, one.killmail_id
            FROM participants AS one
            WHERE one.character_id = pilot.character_id
                AND (one.killmail_time, one.killmail_id) < (here.killmail_time, here.killmail_id)
            ORDER BY one.killmail_time DESC, one.killmail_id DESC
            LIMIT 1
        ) AS next
        ORDER BY next.killmail_time DESC, next.killmail_id DESC
        LIMIT 1
    ) AS older
"""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Killmail ids; None at the ends."""

    newer: int | None = None
    older: int | None = None


NO_NEIGHBOURS = Neighbours()


async def neighbours(pool: asyncpg.Pool, viewer: Viewer, killmail_id: int) -> Neighbours:
    """The next newer and the next older killmail of the viewer's own characters, as the front page has them."""
    row = await pool.fetchrow(_NEIGHBOURS, killmail_id, list(viewer.character_ids))
    return NO_NEIGHBOURS if row is None else Neighbours(row["newer"], row["older"])
