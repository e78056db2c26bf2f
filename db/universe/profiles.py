"""Whoever or whatever has a page of its own; None for an id of another kind."""

from __future__ import annotations

from typing import Any, Literal

import asyncpg

from db.universe.known import known_of
from db.universe.places import solar_system_nodes

Node = dict[str, Any]
ProfileKind = Literal["character", "corporation", "alliance", "system", "type"]

# Until ESI has named an id, who is on a killmail is there nevertheless.
_PARTY = """
SELECT
    coalesce(
        entities.category = $2, EXISTS (SELECT FROM participants WHERE participants.{kind}_id = $1)
    ) AS is_one,
    corporation_details.ceo_id, corporation_details.member_count
FROM (VALUES ($1::bigint)) AS asked(id)
LEFT JOIN entities ON entities.entity_id = asked.id
LEFT JOIN corporation_details ON corporation_details.corporation_id = asked.id
"""
_IS_TYPE = """
SELECT
    EXISTS (SELECT FROM entities WHERE entity_id = $1::bigint AND category = 'inventory_type')
    OR EXISTS (SELECT FROM types WHERE type_id = $1 AND misses = 0)
    OR EXISTS (SELECT FROM participants WHERE ship_type_id = $1 AND is_victim)
"""
_IS_SYSTEM = """
SELECT
    EXISTS (SELECT FROM entities WHERE entity_id = $1::bigint AND category = 'solar_system')
    OR EXISTS (SELECT FROM solar_systems WHERE solar_system_id = $1)
    OR EXISTS (SELECT FROM killmails WHERE solar_system_id = $1)
"""


async def profile_of(pool: asyncpg.Pool, kind: ProfileKind, entity_id: int) -> Node | None:
    """A `Character`, `Corporation`, `Alliance`, `SolarSystem` or `Type` of the schema. Two statements."""
    async with pool.acquire() as connection:
        match kind:
            case "system":
                is_one = await connection.fetchval(_IS_SYSTEM, entity_id)
                return (await solar_system_nodes(connection, [entity_id]))[entity_id] if is_one else None
            case "type":
                is_one = await connection.fetchval(_IS_TYPE, entity_id)
                return (await known_of(connection, [entity_id])).type(entity_id) if is_one else None
        party = await connection.fetchrow(_PARTY.format(kind=kind), entity_id, kind)
        if party is None or not party["is_one"]:
            return None
        ceo_id = party["ceo_id"]
        known = await known_of(connection, [entity_id] if ceo_id is None else [entity_id, ceo_id])
        if kind == "character":
            return known.character(entity_id)
        node = known.organization(entity_id)
        if node is not None and kind == "corporation":
            node |= {"ceo": known.character(ceo_id), "memberCount": party["member_count"]}
        return node
