"""How many slots hulls have and subsystems add. From the static data export alone, and a load leaves no other."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from db.universe.static_data import Kind, Row, StaticRows, merge
from eve.hull_slots import RACKS


def _merge_sql(told: str) -> str:
    """An export without attributes changes nothing."""
    told_slots, known_slots = (", ".join(f"{table}.{rack}" for rack in RACKS) for table in ("told", "known"))
    return f"""
        WITH gone AS (
            DELETE FROM hull_slots
            WHERE
                EXISTS (SELECT FROM {told})
                AND NOT EXISTS (SELECT FROM {told} AS told WHERE told.id = hull_slots.type_id)
        )
        INSERT INTO hull_slots AS known (type_id, {", ".join(RACKS)})
        SELECT told.id, {told_slots}
        FROM {told} AS told
        LEFT JOIN hull_slots AS known ON known.type_id = told.id
        WHERE known.type_id IS NULL OR ROW({told_slots}) IS DISTINCT FROM ROW({known_slots})
        ORDER BY told.id
        ON CONFLICT (type_id) DO UPDATE SET {", ".join(f"{rack} = excluded.{rack}" for rack in RACKS)}
    """  # noqa: S608 - the name of a table of ours


HULL_SLOTS = Kind("slots", tuple((rack, "smallint") for rack in RACKS), merge_sql=_merge_sql)


async def load_hull_slots(pool: asyncpg.Pool, rows: Iterable[Row]) -> int:
    """Replace all of them with these rows: as `eve.hull_slots.hull_slots` has them. How many are new or differ."""
    async with pool.acquire() as connection, connection.transaction():
        _, changed = await merge(connection, "told_slots", StaticRows(HULL_SLOTS, rows))
    return changed
