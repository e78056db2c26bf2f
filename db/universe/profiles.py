"""Who or what an id stands for, for a page of its own; None for an id of another kind."""

from __future__ import annotations

from typing import Any, Literal

import asyncpg

from db.universe.known import known_of
from db.universe.places import solar_system_nodes

Node = dict[str, Any]
Kind = Literal["character", "corporation", "alliance"]

# Until ESI has named an id, who is on a killmail is there nevertheless.
_WHO = """
SELECT entities.category, EXISTS (SELECT FROM participants WHERE participants.{kind}_id = $1) AS is_met
FROM (VALUES ($1::bigint)) AS asked(id)
LEFT JOIN entities ON entities.entity_id = asked.id
"""
_WHAT = """
SELECT
    EXISTS (SELECT FROM entities WHERE entity_id = $1::bigint AND category = 'inventory_type')
    OR EXISTS (SELECT FROM types WHERE type_id = $1 AND misses = 0)
    OR EXISTS (SELECT FROM participants WHERE ship_type_id = $1 AND is_victim)
"""
_WHERE = """
SELECT
    EXISTS (SELECT FROM entities WHERE entity_id = $1::bigint AND category = 'solar_system')
    OR EXISTS (SELECT FROM solar_systems WHERE solar_system_id = $1)
    OR EXISTS (SELECT FROM killmails WHERE solar_system_id = $1)
"""


async def who(pool: asyncpg.Pool, kind: Kind, entity_id: int) -> Node | None:
    """A `Character`, `Corporation` or `Alliance` of the schema. Two statements."""
    async with pool.acquire() as connection:
        row = await connection.fetchrow(_WHO.format(kind=kind), entity_id)
        assert row is not None  # noqa: S101 - it selects from one row
        if row["category"] != kind and not (row["category"] is None and row["is_met"]):
            return None
        known = await known_of(connection, [entity_id])
    return known.character(entity_id) if kind == "character" else known.organization(entity_id)


async def what(pool: asyncpg.Pool, type_id: int) -> Node | None:
    """A `Type` of the schema. Two statements."""
    async with pool.acquire() as connection:
        if not await connection.fetchval(_WHAT, type_id):
            return None
        return (await known_of(connection, [type_id])).type(type_id)


async def where(pool: asyncpg.Pool, solar_system_id: int) -> Node | None:
    """A `SolarSystem` of the schema. Two statements."""
    async with pool.acquire() as connection:
        if not await connection.fetchval(_WHERE, solar_system_id):
            return None
        return (await solar_system_nodes(connection, [solar_system_id]))[solar_system_id]
