"""Where a pilot or a corporation was last seen: the corporation and the alliance on their newest killmail here.

Who is in which corporation is no secret in EVE: ESI tells anyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from db.universe.known import known_of

Node = dict[str, Any]
_NEWEST = """
SELECT corporation_id, alliance_id
FROM participants
WHERE {kind}_id = $1
ORDER BY killmail_time DESC, killmail_id DESC
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Affiliation:
    """Nodes of the schema; None where there is none."""

    corporation: Node | None = None
    alliance: Node | None = None


async def affiliation_of(pool: asyncpg.Pool, kind: Literal["character", "corporation"], entity_id: int) -> Affiliation:
    """Of a corporation its alliance alone. Two statements."""
    async with pool.acquire() as connection:
        row = await connection.fetchrow(_NEWEST.format(kind=kind), entity_id)
        if row is None:
            return Affiliation()
        corporation_id, alliance_id = row["corporation_id"] if kind == "character" else None, row["alliance_id"]
        known = await known_of(connection, [id_ for id_ in (corporation_id, alliance_id) if id_ is not None])
        return Affiliation(known.organization(corporation_id), known.organization(alliance_id))
