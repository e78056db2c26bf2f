"""The one write of the static data export: all of it in one transaction, or nothing.

Each file is copied into a table of its own for the transaction, then merged by one statement that writes
only what differs; loading the same export again writes nothing but the record of the load.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import asyncpg

LOAD_SECONDS = 600
ROWS_AT_ONCE = 5_000
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class StaticRows:
    """Rows of one kind: id, English name or None, then the columns that `Kind` names."""

    kind: Kind
    rows: Iterable[Row]


@dataclass(frozen=True, slots=True)
class Kind:
    """Where rows go. `category`: their names go to `entities` under it, and not to a column of `table`.

    `merge_sql`: the statement that merges a table of what was told, where it is another than for most.
    """

    title: str
    columns: tuple[tuple[str, str], ...] = ()  # after id and name: name, type
    table: str | None = None
    key: str = ""
    category: str | None = None
    merge_sql: Callable[[str], str] | None = None


TYPES = Kind("types", (("group_id", "bigint"),), "types", "type_id", "inventory_type")
GROUPS = Kind("groups", (("category_id", "bigint"),), "type_groups", "group_id")
CATEGORIES = Kind("categories", (), "type_categories", "category_id")
SOLAR_SYSTEMS = Kind(
    "solar systems",
    (("security_status", "double precision"), ("constellation_id", "bigint"), ("wormhole_class", "integer")),
    "solar_systems",
    "solar_system_id",
    "solar_system",
)
CONSTELLATIONS = Kind(
    "constellations", (("region_id", "bigint"), ("wormhole_class", "integer")), "constellations", "constellation_id"
)
REGIONS = Kind("regions", (("wormhole_class", "integer"),), "regions", "region_id")
FACTIONS = Kind("factions", category="faction")
NPC_CORPORATIONS = Kind(
    "NPC corporations", (("ticker", "text"),), "corporation_details", "corporation_id", "corporation"
)


class DuplicateStaticId(Exception):
    """The export has two entries of one id."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f"Two of the {kind.title} have the same id.")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load came to: rows read and rows that differed, by kind; names are counted apart."""

    build_number: int | None
    read: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    names_changed: int = 0


async def load_static_data(pool: asyncpg.Pool, parts: Iterable[StaticRows], build_number: int | None) -> Loaded:
    """Replace what is known of the static universe. What the rows' iterators raise undoes all of it.

    Raises:
        DuplicateStaticId: an id came twice.
    """
    loaded = Loaded(build_number)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = '{LOAD_SECONDS}s'")
        await connection.execute(
            "CREATE TEMPORARY TABLE told_names (entity_id bigint PRIMARY KEY, category text, name text) ON COMMIT DROP"
        )
        for position, part in enumerate(parts):
            read, changed = await merge(connection, f"told_{position}", part)
            loaded.read[part.kind.title], loaded.changed[part.kind.title] = read, changed
        await connection.execute("ANALYZE told_names")
        names = await connection.execute(_NAMES, timeout=LOAD_SECONDS)
        await connection.execute("INSERT INTO static_data_loads (build_number) VALUES ($1)", build_number)
    return Loaded(build_number, loaded.read, loaded.changed, _count(names))


# As in `db/universe/names.py`: names that stand already are left out before the INSERT, and all is sorted.
_NAMES = """
INSERT INTO entities AS known (entity_id, category, name)
SELECT entity_id, told.category, told.name
FROM told_names AS told
LEFT JOIN entities AS known USING (entity_id)
WHERE (told.name, told.category) IS DISTINCT FROM (known.name, known.category)
ORDER BY entity_id
ON CONFLICT (entity_id) DO UPDATE SET
    category = excluded.category, name = excluded.name, fetched_at = now(), misses = 0
"""


async def merge(connection: asyncpg.pool.PoolConnectionProxy, told: str, part: StaticRows) -> tuple[int, int]:
    """Rows read, rows that differed. `told`: the name of the table for this transaction.

    Raises:
        DuplicateStaticId: an id came twice.
    """
    kind = part.kind
    declared = "".join(f", {name} {type_}" for name, type_ in kind.columns)
    await connection.execute(
        f"CREATE TEMPORARY TABLE {told} (id bigint PRIMARY KEY, name text{declared}) ON COMMIT DROP"
    )
    try:
        copied = await connection.copy_records_to_table(told, records=_in_a_thread(part.rows), timeout=LOAD_SECONDS)
        if kind.category is not None:
            await connection.execute(
                f"INSERT INTO told_names SELECT id, $1, name FROM {told} WHERE name IS NOT NULL AND id > 0",  # noqa: S608
                kind.category,
                timeout=LOAD_SECONDS,
            )
    except asyncpg.UniqueViolationError as error:
        raise DuplicateStaticId(kind) from error
    changed = 0
    if kind.table is not None or kind.merge_sql is not None:
        await connection.execute(f"ANALYZE {told}")
        statement = kind.merge_sql(told) if kind.merge_sql else _merge_statement(kind, told)
        changed = _count(await connection.execute(statement, timeout=LOAD_SECONDS))
    return _count(copied), changed


async def _in_a_thread(rows: Iterable[Row]) -> AsyncIterator[Row]:
    """Half a million rows are unpacked on the way: the loop stays free, and few of them are in memory at once."""
    coming = iter(rows)
    while some := await asyncio.to_thread(list, islice(coming, ROWS_AT_ONCE)):
        for row in some:
            yield row


def _merge_statement(kind: Kind, told: str) -> str:
    columns = [name for name, _ in kind.columns] + ([] if kind.category is not None else ["name"])
    listed, key = ", ".join(columns), kind.key
    # The rows of `solar_systems` are only ever of systems that exist.
    settled = "" if kind is SOLAR_SYSTEMS else ", misses = 0"
    missed = "" if kind is SOLAR_SYSTEMS else " OR known.misses > 0"
    return f"""
        INSERT INTO {kind.table} AS known ({key}, {listed})
        SELECT told.id, {", ".join(f"told.{name}" for name in columns)}
        FROM {told} AS told
        LEFT JOIN {kind.table} AS known ON known.{key} = told.id
        WHERE
            known.{key} IS NULL
            OR ROW({", ".join(f"told.{name}" for name in columns)})
                IS DISTINCT FROM ROW({", ".join(f"known.{name}" for name in columns)})
            {missed}
        ORDER BY told.id
        ON CONFLICT ({key}) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in columns)}, fetched_at = now(){settled}
    """  # noqa: S608 - made of constants


def _count(status: str) -> int:
    """The rows of a command's tag, e.g. `INSERT 0 5`."""
    return int(status.rpartition(" ")[2])
