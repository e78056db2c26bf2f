"""What an import reads page by page: references before bodies, then which killmails are left to whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from contracts.claimants import import_of
from contracts.imports import Position
from db.intake.references import HashFrom, add_references

CLAIM_FOR = timedelta(hours=1)
"""How long a page's references are left to its import, which may have to wait for ESI's budget. Then the
character's own sync takes them, as any reference that nobody works on."""


class NoSuchImport(Exception):
    """There is no import of this character (any more): it is not a user, or never began one."""


@dataclass(frozen=True, slots=True)
class PageTaken:
    """Of a page's killmails: those without a body here."""

    wanted: frozenset[int]


async def record_page(
    pool: asyncpg.Pool,
    character_id: int,
    position: Position,
    references: Sequence[tuple[int, str]],
    unusable: int,
) -> PageTaken:
    """One transaction: remember the references (id, hash), and what the page held. Safe to repeat.

    Raises:
        NoSuchImport
    """
    killmail_ids = [killmail_id for killmail_id, _ in references]
    async with pool.acquire() as connection, connection.transaction():
        await add_references(connection, character_id, references, HashFrom.ZKILLBOARD)
        try:
            await connection.execute(
                """
                INSERT INTO zkillboard_import_pages (character_id, year, month, page, killmail_ids, unusable)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (character_id, year, month, page) DO UPDATE
                   SET killmail_ids = excluded.killmail_ids, unusable = excluded.unusable
                """,
                character_id,
                position.year,
                position.month,
                position.page,
                killmail_ids,
                unusable,
            )
        except asyncpg.ForeignKeyViolationError:
            raise NoSuchImport from None
        rows = await connection.fetch(
            "SELECT killmail_id FROM unnest($1::bigint[]) AS listed (killmail_id)"
            " WHERE NOT EXISTS (SELECT FROM killmails k WHERE k.killmail_id = listed.killmail_id)",
            killmail_ids,
        )
    return PageTaken(frozenset(row["killmail_id"] for row in rows))


async def claim_for_import(pool: asyncpg.Pool, character_id: int, killmail_ids: Collection[int]) -> list[int]:
    """Take those of these that want a body, are due, and nobody else works on. Newest first.

    What this import claimed before is given out again: a page's activity may die after this was committed.
    """
    rows = await pool.fetch(
        """
        WITH mine AS MATERIALIZED (
            SELECT killmail_id FROM killmail_refs
             WHERE killmail_id = ANY ($2) AND stored_at IS NULL AND parked_at IS NULL
               AND (next_attempt_at IS NULL OR next_attempt_at <= now())
               AND (claimed_until IS NULL OR claimed_until <= now() OR claimed_by = $1)
             ORDER BY killmail_id FOR UPDATE
        )
        UPDATE killmail_refs r SET claimed_until = now() + $3::interval, claimed_by = $1
          FROM mine WHERE r.killmail_id = mine.killmail_id RETURNING r.killmail_id
        """,
        import_of(character_id),
        list(killmail_ids),
        CLAIM_FOR,
    )
    return sorted((row["killmail_id"] for row in rows), reverse=True)


async def new_among(pool: asyncpg.Pool, character_id: int, killmail_ids: Collection[int]) -> list[int]:
    """Those of these killmails that came here since the character's import began. Ascending."""
    rows = await pool.fetch(
        "SELECT killmail_id FROM killmails WHERE killmail_id = ANY ($2) AND created_at >="
        " (SELECT started_at FROM zkillboard_imports WHERE character_id = $1) ORDER BY killmail_id",
        character_id,
        list(killmail_ids),
    )
    return [row["killmail_id"] for row in rows]


async def oldest_read(pool: asyncpg.Pool, character_id: int) -> datetime | None:
    """When the oldest killmail happened (UTC) that the import has read so far and that is here."""
    found: datetime | None = await pool.fetchval(
        """
        SELECT min(k.killmail_time)
          FROM zkillboard_import_pages p CROSS JOIN LATERAL unnest(p.killmail_ids) AS listed (killmail_id)
          JOIN killmails k USING (killmail_id) WHERE p.character_id = $1
        """,
        character_id,
    )
    return found


async def note_progress(pool: asyncpg.Pool, character_id: int) -> None:
    """Show how much of the list was read so far."""
    await pool.execute(
        """
        UPDATE zkillboard_imports SET state = 'importing', until = NULL, failure = NULL, listed = pages.listed
          FROM (SELECT coalesce(sum(cardinality(killmail_ids)), 0) AS listed
                  FROM zkillboard_import_pages WHERE character_id = $1) AS pages
         WHERE character_id = $1 AND finished_at IS NULL
        """,
        character_id,
    )
