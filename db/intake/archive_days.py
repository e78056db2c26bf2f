"""What days of the public archive brought: whose killmails are wanted of them, and what was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg
import orjson

from db.intake.references import HashFrom, add_references_of_many
from db.visibility import NOT_SOLD


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whose killmails are kept. `newest_at`: when the last of them came; `now`: Postgres's clock at that time."""

    characters: frozenset[int]
    corporations: frozenset[int]
    newest_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class KnownDay:
    """A day that was read before. `is_for_all`: by now nobody is here who was not then."""

    etag: str
    last_modified: str
    is_for_all: bool


@dataclass(frozen=True, slots=True)
class DayAccount:
    """What a day of the archive came to; `expected` None: the archive does not say how many it has."""

    expected: int | None
    taken: int
    wanted: int
    new: int
    refused: Mapping[str, int]


async def archive_subjects(pool: asyncpg.Pool) -> Subjects:
    """Every pilot but those that were sold, and every corporation that is followed."""
    row = await pool.fetchrow(
        f"""
        WITH pilots AS (SELECT character_id, created_at FROM users WHERE {NOT_SOLD})
        SELECT ARRAY (SELECT character_id FROM pilots) AS characters,
               ARRAY (SELECT corporation_id FROM corporations_followed) AS corporations,
               greatest((SELECT max(created_at) FROM pilots), (SELECT max(created_at) FROM corporations_followed))
                   AS newest_at,
               now() AS now
        """  # noqa: S608 - a constant
    )
    assert row is not None  # noqa: S101 - a row without a table
    return Subjects(frozenset(row["characters"]), frozenset(row["corporations"]), row["newest_at"], row["now"])


async def known_day(
    pool: asyncpg.Pool, day: date, newest_at: datetime | None, *, everything: bool = False
) -> KnownDay | None:
    """What is known of a day that was read to its end before. `everything`: it counts if all of it was kept."""
    row = await pool.fetchrow(
        # A minute: who was being added just then had its time already, but was not to be seen yet.
        "SELECT etag, last_modified, everything OR NOT $3"
        "       AND coalesce(begun_at - interval '1 minute' > $2::timestamptz, true) AS for_all"
        "  FROM archive_days WHERE day = $1",
        day,
        newest_at,
        everything,
    )
    return None if row is None else KnownDay(row["etag"], row["last_modified"], row["for_all"])


async def days_to_read(pool: asyncpg.Pool, days: Sequence[date], *, everything: bool = False) -> list[date]:
    """Those of these days that were never read to their end, or not for everybody who is here. Newest first.

    Args:
        everything: a day counts as read if all of it was kept.
    """
    return await days_unread(pool, days, (await archive_subjects(pool)).newest_at, everything=everything)


async def days_unread(
    pool: asyncpg.Pool, days: Sequence[date], newest_at: datetime | None, *, everything: bool
) -> list[date]:
    """The same, for whoever was here at `newest_at`."""
    rows = await pool.fetch(
        "SELECT day FROM archive_days WHERE day = ANY ($1)"
        " AND (everything OR NOT $3 AND coalesce(begun_at - interval '1 minute' > $2::timestamptz, true))",
        list(days),
        newest_at,
        everything,
    )
    return sorted(set(days) - {row["day"] for row in rows}, reverse=True)


async def with_another_hash(pool: asyncpg.Pool, references: Sequence[tuple[int, str]]) -> set[int]:
    """Those of these killmails of which ESI itself told us another hash: whose body this is, nobody knows."""
    rows = await pool.fetch(
        "SELECT r.killmail_id FROM unnest($1::bigint[], $2::text[]) AS told (killmail_id, killmail_hash)"
        "  JOIN killmail_refs r USING (killmail_id)"
        " WHERE r.hash_from = $3 AND r.killmail_hash NOT IN (told.killmail_hash, '')",
        [killmail_id for killmail_id, _ in references],
        [killmail_hash for _, killmail_hash in references],
        str(HashFrom.ESI),
    )
    return {row["killmail_id"] for row in rows}


async def add_published(pool: asyncpg.Pool, references: Sequence[tuple[int, str, int]], hash_from: HashFrom) -> None:
    """Remember (id, hash, whose) of what was shown to everybody, before the bodies are stored."""
    async with pool.acquire() as connection, connection.transaction():
        await add_references_of_many(connection, references, hash_from)


async def came_since(pool: asyncpg.Pool, killmail_ids: Collection[int], since: datetime) -> int:
    """How many of these killmails came here since then."""
    found: int = await pool.fetchval(
        "SELECT count(*) FROM killmails WHERE killmail_id = ANY ($1) AND created_at >= $2", list(killmail_ids), since
    )
    return found


async def record_day(
    pool: asyncpg.Pool,
    day: date,
    begun_at: datetime,
    etag: str,
    last_modified: str,
    account: DayAccount,
    *,
    everything: bool = False,
) -> None:
    """The day was read to its end. Safe to repeat."""
    await pool.execute(
        """
        INSERT INTO archive_days (day, begun_at, etag, last_modified, expected, taken, wanted, new, refused, everything)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (day) DO UPDATE
           SET begun_at = excluded.begun_at, read_at = now(), etag = excluded.etag,
               last_modified = excluded.last_modified, expected = excluded.expected, taken = excluded.taken,
               wanted = excluded.wanted, new = excluded.new, refused = excluded.refused,
               everything = excluded.everything
        """,
        day,
        begun_at,
        etag,
        last_modified,
        account.expected,
        account.taken,
        account.wanted,
        account.new,
        orjson.dumps(account.refused).decode(),
        everything,
    )
