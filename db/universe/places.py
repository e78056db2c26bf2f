"""Solar systems in the shape of `schema.graphql`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import asyncpg

from eve.security import security_class, shown_security, wormhole_class

Node = dict[str, Any]

_SYSTEMS = """
SELECT
    solar_system_id, entities.name, solar_systems.security_status AS system_security_status,
    coalesce(solar_systems.wormhole_class, constellations.wormhole_class, regions.wormhole_class) AS wormhole_class,
    solar_systems.constellation_id, constellations.name AS constellation_name,
    constellations.region_id, regions.name AS region_name
FROM unnest($1::bigint[]) AS asked(solar_system_id)
LEFT JOIN entities ON entities.entity_id = asked.solar_system_id
LEFT JOIN solar_systems USING (solar_system_id)
LEFT JOIN constellations USING (constellation_id)
LEFT JOIN regions USING (region_id)
"""


def _node(row: asyncpg.Record) -> Node:
    security = row["system_security_status"]
    constellation, region = (
        None if row[f"{kind}_id"] is None else {"id": str(row[f"{kind}_id"]), "name": row[f"{kind}_name"]}
        for kind in ("constellation", "region")
    )
    return {
        "id": str(row["solar_system_id"]),
        "name": row["name"],
        "securityStatus": security,
        "security": shown_security(security),
        "securityClass": security_class(security),
        "wormholeClass": wormhole_class(row["wormhole_class"]),
        "constellation": constellation,
        "region": region,
    }


async def solar_system_nodes(
    connection: asyncpg.Pool | asyncpg.pool.PoolConnectionProxy, ids: Collection[int]
) -> dict[int, Node]:
    """Each of these systems, whatever is known of it. One statement."""
    rows = await connection.fetch(_SYSTEMS, list(ids))
    return {row["solar_system_id"]: _node(row) for row in rows}
