"""Names for the ids that killmails mention, and where their solar systems lie.

An id that ESI does not know is remembered too and asked for again later, each time later: most are
characters made within the hour, some are gone for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import asyncpg

ASK_AGAIN_AFTER = (
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
)
"""How long an id unknown to ESI is left alone after the first miss, the second, …, and every later one.

Short at first: ESI has denied ids that it knew a moment later (esi-issues 1181, 1391). Doubt grows with evidence.
"""
LARGEST_NAMED_ID = 999_999_999_999
"""Above it are spawned items, structures among them: `POST /universe/names` takes none (ESI docs, ID ranges)."""

# `{entity}` is an alias of `entities`; `$1` the delays.
_DUE = """
    {entity}.name IS NULL AND {entity}.fetched_at <= now() - ($1::interval[])[
        least(greatest({entity}.misses, 1), cardinality($1::interval[]))
    ]
"""

_UNKNOWN = f"""
WITH mentioned(entity_id) AS (
    SELECT solar_system_id FROM killmails WHERE killmail_id = ANY($2::bigint[])
    UNION
    SELECT id
    FROM participants
    CROSS JOIN LATERAL unnest(ARRAY[
        character_id, corporation_id, alliance_id, faction_id, ship_type_id, weapon_type_id
    ]) AS id
    WHERE killmail_id = ANY($2::bigint[])
    UNION
    SELECT type_id::bigint
    FROM killmail_bodies
    CROSS JOIN LATERAL jsonb_path_query(body, 'lax $.victim.items.**.item_type_id') AS type_id
    WHERE killmail_id = ANY($2::bigint[])
)
SELECT mentioned.entity_id
FROM mentioned
LEFT JOIN entities USING (entity_id)
WHERE mentioned.entity_id BETWEEN 1 AND $3 AND (entities.entity_id IS NULL OR {_DUE.format(entity="entities")})
ORDER BY mentioned.entity_id
"""  # noqa: S608 - made of constants

_UNNAMED = f"""
SELECT asked.entity_id
FROM unnest($2::bigint[]) AS asked(entity_id)
LEFT JOIN entities USING (entity_id)
WHERE entities.entity_id IS NULL OR {_DUE.format(entity="entities")}
ORDER BY asked.entity_id
"""  # noqa: S608 - made of constants

# Names that stand already are left out before the INSERT: its ON CONFLICT would lock their rows, which is a
# write. Sorted, so that two writers of the same names never deadlock.
_STORE = f"""
INSERT INTO entities AS known (entity_id, category, name, misses)
SELECT entity_id, told.category, told.name, CASE WHEN told.name IS NULL THEN 1 ELSE 0 END
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS told(entity_id, category, name)
LEFT JOIN entities AS known USING (entity_id)
WHERE
    known.entity_id IS NULL
    OR (told.name IS NULL AND {_DUE.format(entity="known")})
    OR (told.name IS NOT NULL AND (told.name, told.category) IS DISTINCT FROM (known.name, known.category))
ORDER BY entity_id
ON CONFLICT (entity_id) DO UPDATE SET
    category = excluded.category,
    name = excluded.name,
    fetched_at = now(),
    misses = CASE WHEN excluded.name IS NULL THEN known.misses + 1 ELSE 0 END
WHERE
    (excluded.name IS NULL AND {_DUE.format(entity="known")})
    OR (excluded.name IS NOT NULL AND (excluded.name, excluded.category) IS DISTINCT FROM (known.name, known.category))
RETURNING entity_id
"""  # noqa: S608 - made of constants

_UNKNOWN_SYSTEMS = """
SELECT DISTINCT solar_system_id
FROM killmails
LEFT JOIN solar_systems USING (solar_system_id)
WHERE killmail_id = ANY($1::bigint[]) AND solar_systems.solar_system_id IS NULL
ORDER BY solar_system_id
"""

_STORE_SYSTEMS = """
INSERT INTO solar_systems AS known (solar_system_id, security_status, constellation_id)
SELECT solar_system_id, told.security_status, told.constellation_id
FROM unnest($1::bigint[], $2::double precision[], $3::bigint[]) AS told(
    solar_system_id, security_status, constellation_id
)
LEFT JOIN solar_systems AS known USING (solar_system_id)
WHERE
    (told.security_status, told.constellation_id) IS DISTINCT FROM (known.security_status, known.constellation_id)
ORDER BY solar_system_id
ON CONFLICT (solar_system_id) DO UPDATE SET
    security_status = excluded.security_status, constellation_id = excluded.constellation_id, fetched_at = now()
WHERE
    (excluded.security_status, excluded.constellation_id)
    IS DISTINCT FROM (known.security_status, known.constellation_id)
RETURNING solar_system_id
"""
LONGEST_NAME = 200


async def unknown_entity_ids(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """Ids on these killmails that want a name: pilots, their corporations, alliances and factions, ships, weapons,
    items (those in containers too) and solar systems. Ascending.

    Left out are ids that ESI did not know when asked a while ago (`ASK_AGAIN_AFTER`) and ids that cannot have a name
    there: moons and wars are not among what `POST /universe/names` resolves.
    """
    rows = await pool.fetch(_UNKNOWN, ASK_AGAIN_AFTER, sorted(killmail_ids), LARGEST_NAMED_ID)
    return [row[0] for row in rows]


async def unnamed(pool: asyncpg.Pool, ids: Collection[int]) -> list[int]:
    """Those of the ids that want a name. Ascending."""
    rows = await pool.fetch(_UNNAMED, ASK_AGAIN_AFTER, sorted(ids))
    return [row[0] for row in rows]


async def store_names(
    pool: asyncpg.Pool, found: Collection[tuple[int, str, str]], unknown: Collection[int] = frozenset()
) -> int:
    """Remember names, and which ids ESI does not know. What stands already is not written again.

    A name once known is never forgotten because ESI stops knowing its id (a deleted character keeps its killmails).

    Args:
        found: id, category (as ESI names it), name.
        unknown: ids that ESI answered it does not know.

    Returns:
        How many rows were written.
    """
    told: dict[int, tuple[str | None, str | None]] = dict.fromkeys(unknown, (None, None))
    told.update({entity_id: (_storable(category), _storable(name)) for entity_id, category, name in found})
    if not told:
        return 0
    categories = [category for category, _ in told.values()]
    names = [name for _, name in told.values()]
    return len(await pool.fetch(_STORE, ASK_AGAIN_AFTER, list(told), categories, names))


def _storable(text: str) -> str:
    """Postgres' text holds no NUL and no half of a surrogate pair: they are replaced, or one name would fail all.

    So would one that is too long for an index; EVE's longest names have 100 characters.
    """
    whole = text[:LONGEST_NAME].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def unknown_solar_system_ids(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """Solar systems of these killmails whose security is not known yet. Ascending."""
    return [row[0] for row in await pool.fetch(_UNKNOWN_SYSTEMS, sorted(killmail_ids))]


async def store_solar_systems(pool: asyncpg.Pool, rows: Sequence[tuple[int, float, int | None]]) -> int:
    """Remember solar systems: id, security status (unrounded), constellation. Returns how many rows were written."""
    told = {solar_system_id: (security, constellation) for solar_system_id, security, constellation in rows}
    if not told:
        return 0
    securities = [security for security, _ in told.values()]
    constellations = [constellation for _, constellation in told.values()]
    return len(await pool.fetch(_STORE_SYSTEMS, list(told), securities, constellations))
