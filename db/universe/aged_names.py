"""Names that were told long ago, to be asked for again; and ids nobody knew, a few times more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from db.universe.names import ASK_AGAIN_AFTER

NAMES_AGE_AFTER = timedelta(days=30)
STATIC_CATEGORIES = ("inventory_type", "solar_system", "constellation", "region", "faction")
"""Told by the static data export; once that was loaded, these names stand until the next one."""
MISSES_ASKED_AGAIN = 7
"""An id that was unknown so often is asked for again only when a new killmail mentions it."""

_AGED = """
SELECT entity_id, name IS NOT NULL AS known
FROM entities
WHERE
    entity_id > $1
    AND (
        (
            name IS NOT NULL
            AND fetched_at <= now() - $2::interval
            AND NOT (category = ANY($3::text[]) AND EXISTS (SELECT FROM static_data_loads))
        )
        OR (
            name IS NULL
            AND misses < $4
            AND fetched_at <= now() - ($5::interval[])[least(greatest(misses, 1), cardinality($5::interval[]))]
        )
    )
ORDER BY entity_id
LIMIT $6
"""
# Sorted, like every writer of these rows, so that two never deadlock.
_CONFIRM = """
UPDATE entities SET fetched_at = now()
WHERE entity_id IN (
    SELECT entity_id FROM entities
    WHERE entity_id = ANY($1::bigint[]) AND name IS NOT NULL AND fetched_at <= now() - $2::interval
    ORDER BY entity_id
    FOR UPDATE
)
"""


@dataclass(frozen=True, slots=True)
class AgedNames:
    """Some of them, by id: those with a name, those never known, and the last id looked at (None: that was all)."""

    known: tuple[int, ...]
    unknown: tuple[int, ...]
    after_id: int | None


async def aged_names(pool: asyncpg.Pool, after_id: int, limit: int) -> AgedNames:
    """The first `limit` ids above `after_id` to ask for again."""
    rows = await pool.fetch(
        _AGED, after_id, NAMES_AGE_AFTER, STATIC_CATEGORIES, MISSES_ASKED_AGAIN, ASK_AGAIN_AFTER, limit
    )
    return AgedNames(
        tuple(row["entity_id"] for row in rows if row["known"]),
        tuple(row["entity_id"] for row in rows if not row["known"]),
        rows[-1]["entity_id"] if len(rows) == limit else None,
    )


async def confirm_names(pool: asyncpg.Pool, ids: Collection[int]) -> None:
    """These names were asked for just now and stand: as told, or kept though their id is known no more."""
    await pool.execute(_CONFIRM, list(ids), NAMES_AGE_AFTER)
