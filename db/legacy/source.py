"""The old system's Postgres: read page by page, never written, with the tables and columns that it happens to have.

Its schema grew over the years: older ones lack factions and values, and whole tables. Column names are those of its
public schema as of July 2026.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from db.address import database_address
from db.failures import DATABASE_FAILURES

USERS_AT_ONCE = 500
KILLMAILS_AT_ONCE = 2_000
STATEMENT_SECONDS = 120.0
"""Its tables may lack an index that we would have made."""
COLUMNS: dict[str, tuple[str, ...]] = {
    "users": (
        *("character_id", "character_name", "character_owner_hash", "refresh_token", "corporation_id", "created_at"),
    ),
    "killmails": ("killmail_id", "killmail_hash", "killmail_time", "solar_system_id"),
    "victims": (
        *("killmail_id", "character_id", "corporation_id", "alliance_id", "faction_id", "ship_type_id"),
        *("damage_taken", "position_x", "position_y", "position_z"),
    ),
    "attackers": (
        *("killmail_id", "character_id", "corporation_id", "alliance_id", "faction_id", "ship_type_id"),
        *("weapon_type_id", "damage_done", "final_blow", "security_status", "id"),
    ),
    "killmail_items": (
        *("killmail_id", "item_type_id", "flag", "quantity_dropped", "quantity_destroyed", "singleton", "id"),
    ),
}
"""What is read of each table, where it is there."""
_NEEDED = {"users": ("character_id",), "killmails": ("killmail_id", "killmail_hash")}
_PARTS = ("victims", "attackers", "killmail_items")

# Through `search_path`, as the old system found its tables.
_FIND_COLUMNS = """
SELECT name, attname FROM unnest($1::text[]) AS name
  JOIN pg_attribute ON attrelid = to_regclass(name) AND attnum > 0 AND NOT attisdropped
"""


class LegacyDatabaseFails(Exception):
    """It cannot be read, or is another database; the message says why."""


class LegacyDatabase:
    """One connection to it. Each read is a transaction that the server itself lets write nothing."""

    def __init__(self, connection: asyncpg.Connection, columns: dict[str, tuple[str, ...]]) -> None:
        self._connection = connection
        self._columns = columns

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        (row,) = await self._read(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
        return int(row[0])

    async def users(self, after: int | None) -> list[asyncpg.Record]:
        """The next users by character id; those without an id come first."""
        return await self._page("users", "character_id", after, USERS_AT_ONCE)

    async def killmails(self, after: int | None) -> list[asyncpg.Record]:
        """The next killmails by id."""
        return await self._page("killmails", "killmail_id", after, KILLMAILS_AT_ONCE)

    async def parts(self, killmail_ids: Collection[int]) -> dict[str, dict[int, list[asyncpg.Record]]]:
        """Victims, attackers and items of these killmails, by table and killmail, in the order they were written."""
        found: dict[str, dict[int, list[asyncpg.Record]]] = {table: {} for table in _PARTS}
        for table in _PARTS:
            columns = self._columns.get(table, ())
            if "killmail_id" not in columns:
                continue
            order = "killmail_id, id" if "id" in columns else "killmail_id"
            rows = await self._read(
                f"SELECT {', '.join(columns)} FROM {table} WHERE killmail_id = ANY ($1) ORDER BY {order}",  # noqa: S608
                list(killmail_ids),
            )
            for row in rows:
                found[table].setdefault(row["killmail_id"], []).append(row)
        return found

    async def _page(self, table: str, key: str, after: int | None, at_most: int) -> list[asyncpg.Record]:
        columns = ", ".join(self._columns[table])
        where = "" if after is None else f"WHERE {key} > $2"
        order = f"ORDER BY {key} NULLS FIRST LIMIT $1"
        if after is None:
            # All that has no id at once: a page must not end among them.
            rows = await self._read(f"SELECT {columns} FROM {table} WHERE {key} IS NULL")  # noqa: S608 - our own names
            query = f"SELECT {columns} FROM {table} WHERE {key} IS NOT NULL {order}"  # noqa: S608
            return rows + await self._read(query, at_most)
        return await self._read(f"SELECT {columns} FROM {table} {where} {order}", at_most, after)  # noqa: S608

    async def _read(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        with _told():
            async with self._connection.transaction(readonly=True):
                rows: list[asyncpg.Record] = await self._connection.fetch(query, *arguments, timeout=STATEMENT_SECONDS)
        return rows


@asynccontextmanager
async def legacy_database(url: str) -> AsyncIterator[LegacyDatabase]:
    """The old system's database; a standby or a pooler of it will do.

    Raises:
        db.address.BadDatabaseUrl: `url` cannot be used.
        LegacyDatabaseFails: no connection, or its tables are not there; later, that it could not be read.
    """
    arguments = database_address(url).arguments()
    with _told():
        connection: asyncpg.Connection = await asyncpg.connect(**arguments, statement_cache_size=0)
    try:
        with _told():
            async with connection.transaction(readonly=True):
                rows = await connection.fetch(_FIND_COLUMNS, list(COLUMNS))
        here: dict[str, set[str]] = {}
        for row in rows:
            here.setdefault(row["name"], set()).add(row["attname"])
        missing = [
            f"{table}.{column}"
            for table, columns in _NEEDED.items()
            for column in columns
            if column not in here.get(table, ())
        ]
        if missing:
            raise LegacyDatabaseFails(f"it has no {', no '.join(missing)}")
        found = {
            table: tuple(name for name in names if name in here.get(table, ())) for table, names in COLUMNS.items()
        }
        yield LegacyDatabase(connection, found)
    finally:
        connection.terminate()


@contextmanager
def _told() -> Iterator[None]:
    """Its failures, told apart from those of our own database."""
    try:
        yield
    except (*DATABASE_FAILURES, ValueError) as error:
        lines = str(error).strip().splitlines()
        raise LegacyDatabaseFails(lines[0].rstrip(".") if lines else type(error).__name__) from error
