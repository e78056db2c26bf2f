"""Who waits for their whole history from the public archive, and how far the pass that serves them all has got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg

from contracts.archive import FIRST_DAY


@dataclass(frozen=True, slots=True)
class HistoryProgress:
    """How far the days are read for an account. `left`: how much longer it takes as fast as up to now, if known."""

    asked_at: datetime
    finished_at: datetime | None
    done: int
    total: int
    left: timedelta | None


async def ask_for_history(pool: asyncpg.Pool, account_id: int) -> None:
    """The account waits; who waits already goes on waiting as before."""
    await pool.execute(
        """
        INSERT INTO history_requests (account_id) VALUES ($1)
        ON CONFLICT (account_id) DO UPDATE SET asked_at = now(), reached = NULL, finished_at = NULL
         WHERE history_requests.finished_at IS NOT NULL
        """,
        account_id,
    )


async def history_progress(pool: asyncpg.Pool, account_id: int) -> HistoryProgress | None:
    """How far it is; None: the account never asked."""
    row = await pool.fetchrow(
        "SELECT asked_at, reached, finished_at FROM history_requests WHERE account_id = $1", account_id
    )
    if row is None:
        return None
    now = datetime.now(UTC)
    end: date = now.date()
    total = (end - FIRST_DAY).days
    done = total if row["finished_at"] else max(0, (end - row["reached"]).days) if row["reached"] else 0
    left = (now - row["asked_at"]) * (total - done) / done if 0 < done < total else None
    return HistoryProgress(row["asked_at"], row["finished_at"], min(done, total), total, left)


async def wait_for_history(pool: asyncpg.Pool) -> datetime | None:
    """When the last of those who wait came here: what was read since is read for all of them. None: nobody waits."""
    found: datetime | None = await pool.fetchval(
        """
        SELECT max(greatest(users.created_at, d.marked_at))
          FROM history_requests JOIN users USING (account_id)
          LEFT JOIN corporation_directors d USING (character_id)
         WHERE finished_at IS NULL
        """
    )
    return found


async def note_reached(pool: asyncpg.Pool, day: date, begun_at: datetime) -> None:
    """All days from this one on are read for those who asked before the pass began."""
    await pool.execute(
        "UPDATE history_requests SET reached = least(reached, $1) WHERE finished_at IS NULL AND asked_at <= $2",
        day,
        begun_at,
    )


async def finish_history(pool: asyncpg.Pool, begun_at: datetime) -> None:
    """Those who asked before the pass began have it all."""
    await pool.execute(
        "UPDATE history_requests SET finished_at = now() WHERE finished_at IS NULL AND asked_at <= $1", begun_at
    )
