"""What the ids on killmails stand for: names, tickers, and what types are. One statement for a whole page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import asyncpg

from eve.hull_slots import RACKS

Node = dict[str, Any]

KNOWN = """
SELECT
    mentioned.id, entities.name, coalesce(corporation_details.ticker, alliance_details.ticker) AS ticker,
    type_groups.group_id, type_groups.name AS group_name,
    type_groups.category_id, type_categories.name AS category_name,
    character_details.birthday, character_details.security_status,
    hull_slots.high, hull_slots.mid, hull_slots.low, hull_slots.rig, hull_slots.subsystem, hull_slots.service
FROM unnest($1::bigint[]) AS mentioned(id)
LEFT JOIN entities ON entities.entity_id = mentioned.id
LEFT JOIN corporation_details ON corporation_details.corporation_id = mentioned.id
LEFT JOIN alliance_details ON alliance_details.alliance_id = mentioned.id
LEFT JOIN character_details ON character_details.character_id = mentioned.id
LEFT JOIN types ON types.type_id = mentioned.id
LEFT JOIN type_groups ON type_groups.group_id = types.group_id
LEFT JOIN type_categories ON type_categories.category_id = type_groups.category_id
LEFT JOIN hull_slots ON hull_slots.type_id = mentioned.id
"""


class Known:
    """Makes the nodes of `schema.graphql` for characters, corporations, alliances, factions and types."""

    def __init__(self, rows: Mapping[int, asyncpg.Record]) -> None:
        self._rows = rows

    def name(self, entity_id: int) -> str | None:
        """None until it is known, and for an id that nobody knows."""
        row = self._rows.get(entity_id)
        return None if row is None else row["name"]

    def named(self, entity_id: int | None) -> Node | None:
        """What has a name alone: a faction."""
        return None if entity_id is None else {"id": str(entity_id), "name": self.name(entity_id)}

    def character(self, character_id: int | None) -> Node | None:
        """A pilot, with what ESI tells anyone of them."""
        return self._more(character_id, birthday="birthday", securityStatus="security_status")

    def organization(self, organization_id: int | None) -> Node | None:
        """A corporation or an alliance."""
        return self._more(organization_id, ticker="ticker")

    def type(self, type_id: int | None) -> Node | None:
        """A ship, weapon or item, with its group and category where they are known, and the slots of a hull."""
        if type_id is None:
            return None
        row = self._rows.get(type_id)
        slots = None if row is None or row["high"] is None else {rack: row[rack] for rack in RACKS}
        if row is None or row["group_id"] is None:
            return {"id": str(type_id), "name": self.name(type_id), "group": None, "slots": slots}
        category = None
        if row["category_id"] is not None:
            category = {"id": str(row["category_id"]), "name": row["category_name"]}
        group = {"id": str(row["group_id"]), "name": row["group_name"], "category": category}
        return {"id": str(type_id), "name": row["name"], "group": group, "slots": slots}

    def _more(self, entity_id: int | None, **columns: str) -> Node | None:
        if entity_id is None:
            return None
        row = self._rows.get(entity_id)
        more = {field: None if row is None else row[column] for field, column in columns.items()}
        return {"id": str(entity_id), "name": self.name(entity_id), **more}


async def known_of(connection: asyncpg.Pool | asyncpg.pool.PoolConnectionProxy, ids: Collection[int]) -> Known:
    """What is known of these ids."""
    return Known({row["id"]: row for row in await connection.fetch(KNOWN, list(ids))})
