"""How the installation's syncs are: in numbers for everybody, by name for its operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from contracts.sync import SyncState
from db.syncs.figures import IS_LATE, IS_SYNCED, late_values

NAMED = 50
"""Late pilots and reasons told at most."""
_IS_DUE = """(now() > greatest(
    coalesce(last_killmail_sync_at, created_at) + make_interval(secs => $4),
    CASE WHEN sync_state = 'ok' THEN (sync_detail ->> 'until')::timestamptz END
))"""
_HEALTH = f"""
SELECT
    count(*) AS users,
    count(*) FILTER (WHERE last_killmail_sync_at > now() - interval '1 hour') AS synced_last_hour,
    count(*) FILTER (WHERE {IS_SYNCED} AND {_IS_DUE}) AS due,
    count(*) FILTER (WHERE {IS_SYNCED} AND {IS_LATE}) AS late,
    count(*) FILTER (WHERE token_state <> 'valid') AS logged_out,
    extract(epoch FROM now() - min(coalesce(last_killmail_sync_at, created_at)) FILTER (WHERE {IS_SYNCED}))::float8
        AS lag_seconds,
    (SELECT count(*) FROM killmails WHERE created_at > now() - interval '1 hour') AS new_killmails_last_hour
FROM users
"""  # noqa: S608 - made of constants
_LATE = f"""
SELECT character_id, name, sync_state, last_killmail_sync_at
FROM users
WHERE {IS_SYNCED} AND {IS_LATE}
ORDER BY coalesce(last_killmail_sync_at, created_at), character_id
LIMIT {NAMED}
"""  # noqa: S608 - made of constants
_FAILURES = f"""
SELECT coalesce(last_error, 'Unknown') AS reason, count(*) AS count
FROM killmail_refs
WHERE stored_at IS NULL AND parked_at IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT {NAMED}
"""  # noqa: S608 - a number of ours


@dataclass(frozen=True, slots=True)
class SyncHealth:
    """Numbers of pilots. `due`: a look is to come or on its way; `late`: long overdue (`db.syncs.figures`).

    `logged_out`: EVE withdrew the permission, or the character has another owner. `lag_seconds`: since the last look
    at whom was looked at longest ago; None without pilots whose syncs run.
    """

    users: int
    synced_last_hour: int
    due: int
    late: int
    logged_out: int
    lag_seconds: float | None
    new_killmails_last_hour: int


@dataclass(frozen=True, slots=True)
class LatePilot:
    """A pilot whose look should have come long ago."""

    character_id: int
    name: str
    state: SyncState
    last_killmail_sync_at: datetime | None


async def sync_health(pool: asyncpg.Pool, sync_interval_seconds: int) -> SyncHealth:
    """One statement, which reads `users` and an hour of `killmails`."""
    row = await pool.fetchrow(_HEALTH, *late_values(sync_interval_seconds), float(sync_interval_seconds))
    assert row is not None  # noqa: S101 - an aggregate always has a row
    return SyncHealth(**dict(row))


async def late_pilots(pool: asyncpg.Pool, sync_interval_seconds: int) -> list[LatePilot]:
    """The first `NAMED`, who waits longest first."""
    rows = await pool.fetch(_LATE, *late_values(sync_interval_seconds))
    return [
        LatePilot(row["character_id"], row["name"], SyncState(row["sync_state"]), row["last_killmail_sync_at"])
        for row in rows
    ]


async def failures_by_reason(pool: asyncpg.Pool) -> list[tuple[str, int]]:
    """Killmails given up, by the reason, the most frequent first."""
    return [(row["reason"], row["count"]) for row in await pool.fetch(_FAILURES)]
