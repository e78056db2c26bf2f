"""Gaps: killmails that ESI showed us and that are not here yet, why, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from db.syncs.run_account import NEVER_RECORDED

SAMPLE = 20
"""Killmail ids shown of each gap."""
REDRIVE_AT_MOST = 10_000
"""References given a new chance in one call; call it again for the rest."""

# A list may hold what `killmail_refs` does not know only after a bug or a restored backup.
_MISSING = f"""
    SELECT r.killmail_id, r.first_seen_by AS list_of, r.first_seen_at, r.next_attempt_at, r.attempts,
           CASE WHEN r.parked_at IS NOT NULL THEN 'given up'
                WHEN r.claimed_until > now() THEN 'being fetched'
                WHEN r.next_attempt_at > now() THEN 'tried again later'
                ELSE 'due' END AS waiting,
           coalesce(r.last_error, 'not tried yet') AS reason
      FROM killmail_refs r WHERE r.stored_at IS NULL
    UNION ALL
    SELECT DISTINCT ON (l.killmail_id) l.killmail_id, l.list_of, NULL, NULL, 0, 'due', '{NEVER_RECORDED}'
      FROM (SELECT list_of, unnest(killmail_ids) AS killmail_id FROM killmail_lists) l
      LEFT JOIN killmail_refs r USING (killmail_id) LEFT JOIN killmails k USING (killmail_id)
     WHERE r.killmail_id IS NULL AND k.killmail_id IS NULL
"""  # noqa: S608 - a constant of ours

_FREE = "stored_at IS NULL AND killmail_hash <> '' AND (claimed_until IS NULL OR claimed_until <= now())"
"""References that can be fetched, and that nobody is fetching."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Killmails that are missing for one reason, in one way. Times are UTC.

    `waiting`: given up, being fetched, tried again later, or due. `killmail_ids` are the oldest of them.
    """

    reason: str
    waiting: str
    killmails: int
    oldest_seen_at: datetime | None
    next_attempt_at: datetime | None
    most_attempts: int
    killmail_ids: list[int]


@dataclass(frozen=True, slots=True)
class Redriven:
    """References that may be tried at once now, and on whose lists (characters, corporations) they are.

    `to_read_again`: the others, whose list must be read as a whole, for a reference of theirs was never recorded.
    """

    killmails: int
    lists_of: list[int]
    to_read_again: list[int]


async def gaps(pool: asyncpg.Pool) -> list[Gap]:
    """All that is missing, the most of it first."""
    rows = await pool.fetch(
        f"""
        SELECT reason, waiting, count(*) AS killmails, min(first_seen_at) AS oldest_seen_at,
               min(next_attempt_at) FILTER (WHERE next_attempt_at > now()) AS next_attempt_at,
               max(attempts) AS most_attempts, (array_agg(killmail_id ORDER BY killmail_id))[:{SAMPLE}] AS killmail_ids
          FROM ({_MISSING}) AS missing GROUP BY reason, waiting ORDER BY count(*) DESC, reason, waiting
        """  # noqa: S608 - constants above
    )
    return [Gap(**dict(row)) for row in rows]


async def redrive(pool: asyncpg.Pool) -> Redriven:
    """Give what was given up or waits for a later attempt a new chance now; what is being fetched is left alone.

    Each call takes up to `REDRIVE_AT_MOST` that no call before has taken, unless they were tried since.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            f"""
            WITH chosen AS MATERIALIZED (  -- once: a subquery may run for each row, and each time choose so many
                SELECT killmail_id FROM killmail_refs
                 WHERE {_FREE} AND (attempts > 0 OR next_attempt_at IS NOT NULL OR parked_at IS NOT NULL)
                 ORDER BY killmail_id LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE killmail_refs r SET attempts = 0, next_attempt_at = NULL, parked_at = NULL FROM chosen
             WHERE r.killmail_id = chosen.killmail_id
            """,  # noqa: S608 - a constant of ours
            REDRIVE_AT_MOST,
        )
        # With those that were due before: whoever shall fetch them may never have been told.
        due = await connection.fetch(
            f"SELECT first_seen_by AS list_of, count(*) AS killmails FROM killmail_refs WHERE {_FREE}"  # noqa: S608
            " AND parked_at IS NULL AND (next_attempt_at IS NULL OR next_attempt_at <= now()) GROUP BY first_seen_by"
        )
    never = await pool.fetch(f"SELECT DISTINCT list_of FROM ({_MISSING}) AS m WHERE reason = $1", NEVER_RECORDED)  # noqa: S608
    again = sorted(row[0] for row in never)
    for subject in (
        "users SET killmail_list_fresh_until = NULL WHERE character_id",
        "corporations_followed SET killmail_list_fresh_until = NULL WHERE corporation_id",
    ):
        # The list that ESI's cache holds shows them too: it need not be new to be read again.
        await pool.execute(f"UPDATE {subject} = ANY ($1)", again)
    return Redriven(sum(row["killmails"] for row in due), sorted({row["list_of"] for row in due} - set(again)), again)
