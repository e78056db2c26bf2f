"""Who waits for their whole history from the public archive, and how far the pass that serves them all has got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg

from contracts.archive import FIRST_DAY

_CAME = """
    SELECT users.account_id, greatest(users.created_at, followed.created_at) AS came_at
      FROM users
      LEFT JOIN corporation_directors USING (character_id)
      LEFT JOIN corporations_followed AS followed ON followed.corporation_id = corporation_directors.corporation_id
"""
"""Since when days of the archive are read for an account's characters and corporations."""


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
        f"SELECT max(came_at) FROM history_requests JOIN ({_CAME}) AS came USING (account_id) WHERE finished_at IS NULL"  # noqa: S608
    )
    return found


async def note_reached(pool: asyncpg.Pool, day: date, begun_at: datetime) -> None:
    """All days from this one on are read for those who asked before the pass began.

    Not where somebody joined the account since: what was read before that is read for them by the next pass.
    """
    await pool.execute(
        f"""
        UPDATE history_requests AS r
           SET reached = CASE WHEN EXISTS (SELECT FROM ({_CAME}) AS c
                                            WHERE c.account_id = r.account_id AND came_at > $2) THEN NULL
                              ELSE least(reached, $1) END
         WHERE finished_at IS NULL AND asked_at <= $2
        """,  # noqa: S608 - a constant of ours
        day,
        begun_at,
    )


async def finish_history(pool: asyncpg.Pool, begun_at: datetime) -> None:
    """Those who asked before the pass began have it all; who got somebody new since waits for one more pass."""
    await pool.execute(
        f"""
        UPDATE history_requests AS r SET finished_at = now()
         WHERE finished_at IS NULL AND asked_at <= $1
           -- A minute, as where days are chosen: who was being added when the pass began was not to be seen yet.
           AND NOT EXISTS (SELECT FROM ({_CAME}) AS c
                            WHERE c.account_id = r.account_id AND came_at > $1 - interval '1 minute')
        """,  # noqa: S608 - a constant of ours
        begun_at,
    )
