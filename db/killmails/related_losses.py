"""The pod that followed a ship, and the ship that came before a pod: two losses of one pilot, one upon the other.

Worked out when asked for and not stored, because either of the two may become known last. Rules:
docs/classification.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from db.killmails.filter import Viewer
from db.values.rules import CAPSULES
from db.visibility import is_public

WITHIN = timedelta(minutes=10)
"""A pod that lives longer had its own fate."""

# A pod's candidate is its pilot's last loss before it, a ship's the next one after it: so if one has the other,
# the other has the one. Losses of the same second are in the order of their ids.
#
# The candidates come first, then each is looked at by its id: left to join them in any order, a planner that knows
# nothing yet of new tables compares all losses of a system with each other.
_RELATED = """
WITH candidates AS MATERIALIZED (
    SELECT lost.killmail_id, other.killmail_id AS related_id, other.killmail_time, other.ship_type_id
    FROM participants AS lost
    CROSS JOIN LATERAL (
        (
            SELECT earlier.killmail_id, earlier.killmail_time, earlier.ship_type_id
            FROM participants AS earlier
            WHERE
                earlier.is_victim AND earlier.character_id = lost.character_id
                AND lost.ship_type_id = ANY($3::bigint[])
                AND (earlier.killmail_time, earlier.killmail_id) < (lost.killmail_time, lost.killmail_id)
            ORDER BY earlier.killmail_time DESC, earlier.killmail_id DESC
            LIMIT 1
        )
        UNION ALL
        (
            SELECT later.killmail_id, later.killmail_time, later.ship_type_id
            FROM participants AS later
            WHERE
                later.is_victim AND later.character_id = lost.character_id
                AND NOT lost.ship_type_id = ANY($3::bigint[])
                AND (later.killmail_time, later.killmail_id) > (lost.killmail_time, lost.killmail_id)
            ORDER BY later.killmail_time, later.killmail_id
            LIMIT 1
        )
    ) AS other
    WHERE
        lost.killmail_id = ANY($1::bigint[])
        AND lost.is_victim
        AND (lost.ship_type_id = ANY($3::bigint[])) <> (other.ship_type_id = ANY($3::bigint[]))
        AND other.killmail_time BETWEEN lost.killmail_time - $4::interval AND lost.killmail_time + $4::interval
)
SELECT candidates.killmail_id, candidates.related_id, candidates.killmail_time, candidates.ship_type_id
FROM candidates
CROSS JOIN LATERAL (
    SELECT FROM participants AS seen
    WHERE
        seen.killmail_id = candidates.related_id
        AND (seen.character_id = ANY($2::bigint[]) OR seen.corporation_id = ANY($2::bigint[]){or_public})
    LIMIT 1
) AS seen
WHERE
    (SELECT solar_system_id FROM killmails WHERE killmails.killmail_id = candidates.killmail_id)
    = (SELECT solar_system_id FROM killmails WHERE killmails.killmail_id = candidates.related_id)
"""


@dataclass(frozen=True, slots=True)
class RelatedLoss:
    """The other loss."""

    killmail_id: int
    killmail_time: datetime
    ship_type_id: int


async def related_losses(
    connection: asyncpg.pool.PoolConnectionProxy, killmail_ids: Collection[int], viewer: Viewer
) -> dict[int, RelatedLoss]:
    """The related loss of each of these killmails that has one which the viewer may see."""
    or_public = {"OWN": "", "PUBLIC": f" OR {is_public('seen')}", "ALL": " OR true"}[viewer.sight]
    seen_by = [*viewer.character_ids, *viewer.corporation_ids, *viewer.other_ids]
    rows = await connection.fetch(_RELATED.format(or_public=or_public), list(killmail_ids), seen_by, CAPSULES, WITHIN)
    return {
        row["killmail_id"]: RelatedLoss(row["related_id"], row["killmail_time"], row["ship_type_id"]) for row in rows
    }
