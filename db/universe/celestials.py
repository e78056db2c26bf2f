"""What lies where in the solar systems, and which of it is nearest to where something was lost.

Some 475,000 rows of names and places, so they hold nothing else: no time, no count of misses. They come from the static
data export alone, and a load leaves no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import asyncpg

from db.universe.static_data import Kind, Row, StaticRows, merge


def _merge_sql(told: str) -> str:
    """An export without celestials changes nothing. In the order in which they are read: a system's lie together."""
    return f"""
        WITH gone AS (
            DELETE FROM celestials
            WHERE
                EXISTS (SELECT FROM {told})
                AND NOT EXISTS (SELECT FROM {told} AS told WHERE told.id = celestials.celestial_id)
        )
        INSERT INTO celestials AS known (celestial_id, solar_system_id, x, y, z, name)
        SELECT told.id, told.solar_system_id, told.x, told.y, told.z, told.name
        FROM {told} AS told
        LEFT JOIN celestials AS known ON known.celestial_id = told.id
        WHERE
            known.celestial_id IS NULL
            OR ROW(told.solar_system_id, told.x, told.y, told.z, told.name)
                IS DISTINCT FROM ROW(known.solar_system_id, known.x, known.y, known.z, known.name)
        ORDER BY told.solar_system_id, told.id
        ON CONFLICT (celestial_id) DO UPDATE SET
            solar_system_id = excluded.solar_system_id,
            x = excluded.x, y = excluded.y, z = excluded.z, name = excluded.name
    """  # noqa: S608 - the name of a table of ours


CELESTIALS = Kind(
    "celestials",
    (
        ("solar_system_id", "bigint"),
        ("x", "double precision"),
        ("y", "double precision"),
        ("z", "double precision"),
    ),
    merge_sql=_merge_sql,
)

# Bodies of before November 2015 have no position.
_NEAREST = """
SELECT killmails.killmail_id, near.celestial_id AS id, near.name, near.distance
FROM killmails
JOIN killmail_bodies USING (killmail_id)
CROSS JOIN LATERAL (
    SELECT
        (killmail_bodies.body #>> '{victim,position,x}')::double precision AS x,
        (killmail_bodies.body #>> '{victim,position,y}')::double precision AS y,
        (killmail_bodies.body #>> '{victim,position,z}')::double precision AS z
    OFFSET 0
) AS place
CROSS JOIN LATERAL (
    SELECT
        celestials.celestial_id,
        celestials.name,
        sqrt((celestials.x - place.x) ^ 2 + (celestials.y - place.y) ^ 2 + (celestials.z - place.z) ^ 2) AS distance
    FROM celestials
    WHERE celestials.solar_system_id = killmails.solar_system_id
    ORDER BY distance, celestials.celestial_id
    LIMIT 1
) AS near
WHERE killmails.killmail_id = ANY($1::bigint[]) AND near.distance IS NOT NULL
"""


async def nearest_celestials(
    connection: asyncpg.pool.PoolConnectionProxy, killmail_ids: Collection[int]
) -> dict[int, dict[str, Any]]:
    """What was nearest to each of these losses, by killmail: `id`, `name` and `distance`, metres to its centre.

    Without those of which it is not known.
    """
    rows = await connection.fetch(_NEAREST, list(killmail_ids))
    return {row["killmail_id"]: {name: row[name] for name in ("id", "name", "distance")} for row in rows}


async def load_celestials(pool: asyncpg.Pool, rows: Iterable[Row]) -> int:
    """Replace all of them with these rows: id, name, solar system, x, y, z. How many are new or differ."""
    async with pool.acquire() as connection, connection.transaction():
        _, changed = await merge(connection, "told_celestials", StaticRows(CELESTIALS, rows))
    return changed
