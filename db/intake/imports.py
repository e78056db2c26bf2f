"""Imports of a character's history from zKillboard: begun, shown, and accounted for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from contracts.claimants import import_of
from contracts.import_sentences import ImportStanding, import_sentence
from contracts.imports import ENDED, Estimate, FinishImport, ImportAccount, ImportState, NoteImport
from contracts.sync import Progress
from db.intake.import_pages import NoSuchImport

_RESET = """
    state = 'estimating', until = NULL, failure = NULL, started_at = now(), finished_at = NULL, expected = NULL,
    expected_new = NULL, expected_pages = NULL, expected_seconds = NULL, at_least = false, listed = 0, new = 0,
    stored = 0, pending = 0, failed = 0, unusable = 0, cut_off = false, failures = '{}'
"""


@dataclass(frozen=True, slots=True)
class ShownImport:
    """A character's newest import as people read it. `account` is complete once it has ended."""

    character_id: int
    name: str
    state: ImportState
    message: str
    until: datetime | None
    estimate: Estimate | None
    progress: Progress | None
    account: ImportAccount
    started_at: datetime
    finished_at: datetime | None

    @property
    def running(self) -> bool:
        """Whether a workflow is at it, be it waiting for the pilot's word."""
        return self.state not in ENDED


async def request_import(pool: asyncpg.Pool, character_id: int) -> bool:
    """Show at once that an import was asked for; one that runs is left as it is, then the answer is False.

    Raises:
        NoSuchImport: the character is not a user.
    """
    try:
        tag = await pool.execute(
            f"INSERT INTO zkillboard_imports AS i (character_id, state) VALUES ($1, 'estimating')"  # noqa: S608
            f" ON CONFLICT (character_id) DO UPDATE SET {_RESET} WHERE i.finished_at IS NOT NULL",
            character_id,
        )
    except asyncpg.ForeignKeyViolationError:
        raise NoSuchImport from None
    return not tag.endswith(" 0")


async def forget_import(pool: asyncpg.Pool, character_id: int) -> None:
    """What was asked for could not be started: nothing is shown of it."""
    await pool.execute(
        "DELETE FROM zkillboard_imports WHERE character_id = $1 AND finished_at IS NULL AND expected IS NULL",
        character_id,
    )


async def begin_import(pool: asyncpg.Pool, character_id: int) -> int:
    """A workflow begins: nothing is read yet. Returns how many killmails the character is on are here.

    Raises:
        NoSuchImport: the character is not a user.
    """
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                f"INSERT INTO zkillboard_imports (character_id, state) VALUES ($1, 'estimating')"  # noqa: S608
                f" ON CONFLICT (character_id) DO UPDATE SET {_RESET}",
                character_id,
            )
            await connection.execute("DELETE FROM zkillboard_import_pages WHERE character_id = $1", character_id)
    except asyncpg.ForeignKeyViolationError:
        raise NoSuchImport from None
    return int(
        await pool.fetchval(
            "SELECT count(DISTINCT killmail_id) FROM participants WHERE character_id = $1", character_id
        )
    )


async def note_import(pool: asyncpg.Pool, note: NoteImport) -> None:
    """Show what only the workflow knows. One that is over stays so."""
    estimate = note.estimate
    await pool.execute(
        """
        UPDATE zkillboard_imports
           SET state = $2, until = $3, failure = nullif($4, ''), expected = coalesce($5, expected),
               expected_new = coalesce($6, expected_new), expected_pages = coalesce($7, expected_pages),
               expected_seconds = coalesce($8, expected_seconds), at_least = coalesce($9, at_least)
         WHERE character_id = $1 AND finished_at IS NULL
        """,
        note.character_id,
        str(note.state),
        note.until,
        note.failure,
        estimate.killmails if estimate else None,
        estimate.new if estimate else None,
        estimate.pages if estimate else None,
        estimate.seconds if estimate else None,
        estimate.at_least if estimate else None,
    )


async def finish_import(pool: asyncpg.Pool, finish: FinishImport) -> ImportAccount:
    """Put the account on record, from what zKillboard listed and what is here, and let go of claims. Safe to repeat."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            """
            UPDATE killmail_refs SET claimed_until = NULL WHERE killmail_id IN (
                SELECT killmail_id FROM killmail_refs
                 WHERE claimed_by = $2 AND stored_at IS NULL AND claimed_until IS NOT NULL AND killmail_id IN (
                       SELECT unnest(killmail_ids) FROM zkillboard_import_pages WHERE character_id = $1)
                 ORDER BY killmail_id FOR UPDATE)
            """,
            finish.character_id,
            import_of(finish.character_id),
        )
        row = await connection.fetchrow(_ACCOUNT, finish.character_id)
        failures = orjson.loads(row["failures"]) if row is not None else {}
        counts = (
            {name: row[name] for name in ("listed", "new", "stored", "pending", "failed", "unusable")} if row else {}
        )
        account = ImportAccount(finish.state, finish.failure, cut_off=finish.cut_off, failures=failures, **counts)
        await connection.execute(
            """
            UPDATE zkillboard_imports
               SET state = $2, failure = nullif($3, ''), until = NULL, finished_at = now(), listed = $4, new = $5,
                   stored = $6, pending = $7, failed = $8, unusable = $9, cut_off = $10, failures = $11
             WHERE character_id = $1
            """,
            finish.character_id,
            str(finish.state),
            finish.failure,
            account.listed,
            account.new,
            account.stored,
            account.pending,
            account.failed,
            account.unusable,
            account.cut_off,
            orjson.dumps(account.failures).decode(),
        )
    return account


_ACCOUNT = """
WITH listed AS (
    SELECT DISTINCT unnest(killmail_ids) AS killmail_id FROM zkillboard_import_pages WHERE character_id = $1
), known AS (
    SELECT k.killmail_id IS NOT NULL AS stored, coalesce(k.created_at >= i.started_at, false) AS new,
           CASE WHEN k.killmail_id IS NULL AND r.parked_at IS NOT NULL
                THEN coalesce(r.last_error, 'Unknown') END AS failure
      FROM listed JOIN zkillboard_imports i ON i.character_id = $1
      LEFT JOIN killmails k USING (killmail_id) LEFT JOIN killmail_refs r USING (killmail_id)
)
SELECT count(*) AS listed, count(*) FILTER (WHERE new) AS new, count(*) FILTER (WHERE stored) AS stored,
       count(*) FILTER (WHERE NOT stored AND failure IS NULL) AS pending, count(failure) AS failed,
       (SELECT coalesce(sum(unusable), 0) FROM zkillboard_import_pages WHERE character_id = $1) AS unusable,
       (SELECT coalesce(jsonb_object_agg(failure, n), '{}')
          FROM (SELECT failure, count(*) AS n FROM known WHERE failure IS NOT NULL GROUP BY failure) AS f
       )::text AS failures
  FROM known
"""


async def imports_of(pool: asyncpg.Pool, character_ids: Collection[int]) -> dict[int, ShownImport]:
    """The newest import of each of these characters that ever had one."""
    rows = await pool.fetch(
        "SELECT i.*, u.name FROM zkillboard_imports i JOIN users u USING (character_id)"
        " WHERE i.character_id = ANY ($1)",
        list(character_ids),
    )
    return {row["character_id"]: _shown(row) for row in rows}


def _shown(row: asyncpg.Record) -> ShownImport:
    state, failure = ImportState(row["state"]), row["failure"] or ""
    estimate = None
    if row["expected"] is not None:
        estimate = Estimate(
            row["expected"], row["expected_new"], row["expected_pages"], row["expected_seconds"], row["at_least"]
        )
    counts = {name: row[name] for name in ("listed", "new", "stored", "pending", "failed", "unusable", "cut_off")}
    account = ImportAccount(state, failure, failures=orjson.loads(row["failures"]), **counts)
    under_way = state in (ImportState.IMPORTING, ImportState.WAITING) and estimate is not None and estimate.killmails
    progress = Progress(row["listed"], max(row["listed"], estimate.killmails)) if under_way and estimate else None
    standing = ImportStanding(state, row["until"], failure, estimate, row["listed"], account)
    return ShownImport(
        row["character_id"],
        row["name"],
        state,
        import_sentence(standing),
        row["until"],
        estimate,
        progress,
        account,
        row["started_at"],
        row["finished_at"],
    )
