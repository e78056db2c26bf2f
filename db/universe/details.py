"""What is known of people and types beyond their names, and which of it is to be asked for.

An id is wanted when a killmail mentions it and nothing is known of it, or what is known has aged. It stands in
`details_wanted` until its details are stored, or its source did not know it (asked again later, each time later).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from db.universe.names import ASK_AGAIN_AFTER

AGES_AFTER = timedelta(days=30)
"""Then tickers and what ESI told of the static universe are asked for again. Of the export nothing ages."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A table of details. `columns` with their types, in the order they are told.

    `parent`: kind and column of what is to be known next; `static`: the static data export tells it too. `newest`: a
    column that every answer fills; a row without it is of a time, or a source, that had none.
    """

    name: str
    table: str
    key: str
    columns: tuple[tuple[str, str], ...]
    parent: tuple[str, str] | None = None
    static: bool = True
    newest: str | None = None

    @property
    def due(self) -> str:
        """Condition on `known`, an outer-joined row of the table; `$2` the delays, `$3` the age."""
        ages = f"known.misses = 0 AND known.fetched_at <= now() - $3::interval{_NO_EXPORT if self.static else ''}"
        return f"""(
            known.{self.key} IS NULL OR ({ages})
            OR (known.misses > 0 AND known.fetched_at <= now() - ($2::interval[])[
                least(known.misses, cardinality($2::interval[]))
            ])
        )"""


_NO_EXPORT = " AND NOT EXISTS (SELECT FROM static_data_loads)"
CHARACTER = Kind(
    "character",
    "character_details",
    "character_id",
    (("birthday", "timestamptz"), ("security_status", "double precision")),
    static=False,
)
CORPORATION = Kind(
    "corporation",
    "corporation_details",
    "corporation_id",
    (("ticker", "text"), ("ceo_id", "bigint"), ("member_count", "bigint")),
    static=False,
    newest="member_count",
)
ALLIANCE = Kind("alliance", "alliance_details", "alliance_id", (("ticker", "text"),), static=False)
TYPE = Kind("type", "types", "type_id", (("group_id", "bigint"),), ("group", "group_id"))
GROUP = Kind(
    "group", "type_groups", "group_id", (("category_id", "bigint"), ("name", "text")), ("category", "category_id")
)
CATEGORY = Kind("category", "type_categories", "category_id", (("name", "text"),))
CONSTELLATION = Kind(
    "constellation",
    "constellations",
    "constellation_id",
    (("region_id", "bigint"), ("name", "text")),
    ("region", "region_id"),
)
REGION = Kind("region", "regions", "region_id", (("name", "text"),))
KINDS = {kind.name: kind for kind in (CHARACTER, CORPORATION, ALLIANCE, TYPE, GROUP, CATEGORY, CONSTELLATION, REGION)}

_OF_KILLMAILS = {
    CHARACTER: "SELECT character_id FROM participants WHERE killmail_id = ANY($1::bigint[])",
    CORPORATION: "SELECT corporation_id FROM participants WHERE killmail_id = ANY($1::bigint[])",
    ALLIANCE: "SELECT alliance_id FROM participants WHERE killmail_id = ANY($1::bigint[])",
    TYPE: """
        SELECT ship_type_id FROM participants WHERE killmail_id = ANY($1::bigint[])
        UNION
        SELECT weapon_type_id FROM participants WHERE killmail_id = ANY($1::bigint[])
        UNION
        SELECT type_id::bigint
        FROM killmail_bodies
        CROSS JOIN LATERAL jsonb_path_query(body, 'lax $.victim.items.**.item_type_id') AS type_id
        WHERE killmail_id = ANY($1::bigint[])
    """,
    CONSTELLATION: """
        SELECT constellation_id
        FROM killmails JOIN solar_systems USING (solar_system_id)
        WHERE killmail_id = ANY($1::bigint[])
    """,
}


def _wanted(kind: Kind, mentioned: str, lacking: str | None = None) -> str:
    lacks = f" OR (known.misses = 0 AND known.{lacking} IS NULL)" if lacking else ""
    return f"""
        SELECT DISTINCT '{kind.name}', mentioned.id
        FROM ({mentioned}) AS mentioned(id)
        LEFT JOIN {kind.table} AS known ON known.{kind.key} = mentioned.id
        WHERE mentioned.id > 0 AND ({kind.due}{lacks})
    """  # noqa: S608 - made of constants


def _want(selected: str) -> str:
    return f"""
        INSERT INTO details_wanted (kind, id)
        SELECT kind, id FROM ({selected}) AS wanted(kind, id) ORDER BY kind, id
        ON CONFLICT DO NOTHING
        RETURNING id
    """  # noqa: S608 - made of constants


# What lacks its newest column is asked for when a killmail mentions it: all at once would be a burst.
_WANT_OF_KILLMAILS = _want(
    " UNION ALL ".join(_wanted(kind, ids, lacking=kind.newest) for kind, ids in _OF_KILLMAILS.items())
)
# What is shown everywhere is kept fresh whether new killmails mention it or not; a pilot's details are not.
_WANT_AGED = _want(
    " UNION ALL ".join(
        _wanted(kind, f"SELECT {kind.key} FROM {kind.table} WHERE $1::bigint[] IS NULL AND misses = 0")  # noqa: S608
        for kind in KINDS.values()
        if kind is not CHARACTER
    )
)


async def want_details(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> int:
    """Note whose details these killmails make worth asking for. Returns how many were not noted before."""
    arguments = (sorted(killmail_ids), ASK_AGAIN_AFTER, AGES_AFTER)
    return len(await pool.fetch(_WANT_OF_KILLMAILS, *arguments))


async def want_aged_details(pool: asyncpg.Pool) -> int:
    """Note what has aged: tickers, and without the export the static universe. Returns how many were not noted yet."""
    return len(await pool.fetch(_WANT_AGED, None, ASK_AGAIN_AFTER, AGES_AFTER))


async def details_are_wanted(pool: asyncpg.Pool) -> bool:
    """Whether there is anything to ask for."""
    return bool(await pool.fetchval("SELECT EXISTS (SELECT FROM details_wanted)"))


async def wanted_ids(pool: asyncpg.Pool, kind: Kind, limit: int) -> list[int]:
    """The first of those to ask for. Ascending."""
    rows = await pool.fetch("SELECT id FROM details_wanted WHERE kind = $1 ORDER BY id LIMIT $2", kind.name, limit)
    return [row[0] for row in rows]


async def store_details(
    pool: asyncpg.Pool, kind: Kind, told: Mapping[int, tuple[Any, ...]], unknown: Collection[int]
) -> None:
    """Remember what was told and which ids were not known; neither is wanted any more. What it leads to then is.

    What was known once is not forgotten because its source stops knowing it.
    """
    columns = [name for name, _ in kind.columns]
    listed = ", ".join(columns)
    parameters = ", ".join(f"${position}::{type_}[]" for position, (_, type_) in enumerate(kind.columns, start=2))
    ids = sorted(told)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            f"""
            INSERT INTO {kind.table} ({kind.key}, {listed})
            SELECT * FROM unnest($1::bigint[], {parameters}) AS told(id, {listed}) ORDER BY id
            ON CONFLICT ({kind.key}) DO UPDATE SET
                {", ".join(f"{name} = excluded.{name}" for name in columns)}, fetched_at = now(), misses = 0
            """,  # noqa: S608 - made of constants
            ids,
            *([told[one][position] for one in ids] for position in range(len(columns))),
        )
        await connection.execute(
            f"""
            INSERT INTO {kind.table} AS known ({kind.key}, misses)
            SELECT id, 1 FROM unnest($1::bigint[]) AS unknown(id) ORDER BY id
            ON CONFLICT ({kind.key}) DO UPDATE SET misses = known.misses + 1, fetched_at = now()
            """,  # noqa: S608 - made of constants
            sorted(unknown),
        )
        await connection.execute(
            "DELETE FROM details_wanted WHERE kind = $1 AND id = ANY($2::bigint[])", kind.name, [*told, *unknown]
        )
        if kind.parent is not None:
            parent, column = KINDS[kind.parent[0]], kind.parent[1]
            mentioned = f"SELECT {column} FROM {kind.table} WHERE {kind.key} = ANY($1::bigint[])"  # noqa: S608
            await connection.execute(_want(_wanted(parent, mentioned)), ids, ASK_AGAIN_AFTER, AGES_AFTER)
