"""The syncs of all pilots as an operator looks at them: by hour, by failure, by trouble."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from contracts.sync import SyncState

HOURS = 24
REASONS = 20
TROUBLED = 50
_FINE = (SyncState.OK, SyncState.SYNCING, SyncState.FIRST_SYNC, SyncState.STARTING)


@dataclass(frozen=True, slots=True)
class HourOfRuns:
    """The runs that ended in an hour (UTC) and what they did."""

    hour: datetime
    runs: int
    stored: int
    failed: int


@dataclass(frozen=True, slots=True)
class MissingFor:
    """Killmails that are missing for one reason, and a few of the workflows on whose lists they are."""

    reason: str
    killmails: int
    workflow_ids: list[str]


@dataclass(frozen=True, slots=True)
class ShownUser:
    """A pilot's sync."""

    character_id: int
    name: str
    state: str
    token_state: str
    last_sync_at: datetime | None


async def runs_by_hour(pool: asyncpg.Pool) -> list[HourOfRuns]:
    """The last `HOURS` hours in which a run ended, newest first."""
    rows = await pool.fetch(
        "SELECT date_trunc('hour', finished_at, 'UTC') AS hour, count(*) AS runs, sum(stored)::bigint AS stored,"
        " sum(failed)::bigint AS failed FROM sync_runs"
        " WHERE finished_at > now() - make_interval(hours => $1) GROUP BY 1 ORDER BY 1 DESC",
        HOURS,
    )
    return [HourOfRuns(**dict(row)) for row in rows]


async def missing_by_reason(pool: asyncpg.Pool) -> list[MissingFor]:
    """Why killmails are not here, the commonest reason first."""
    rows = await pool.fetch(
        "SELECT coalesce(last_error, 'not tried yet') AS reason, count(*) AS killmails,"
        " (array_agg(DISTINCT"
        "   CASE WHEN users.character_id IS NULL THEN 'corporation-sync-' ELSE 'user-sync-' END || first_seen_by)"
        " )[:3] AS workflow_ids"
        " FROM killmail_refs LEFT JOIN users ON users.character_id = first_seen_by"
        " WHERE stored_at IS NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $1",
        REASONS,
    )
    return [MissingFor(**dict(row)) for row in rows]


async def users_by_token_state(pool: asyncpg.Pool) -> dict[str, int]:
    """How many pilots' permissions are in each state."""
    rows = await pool.fetch("SELECT token_state, count(*) AS users FROM users GROUP BY 1 ORDER BY 2 DESC")
    return {row["token_state"]: row["users"] for row in rows}


async def users_worst_first(pool: asyncpg.Pool) -> list[ShownUser]:
    """Pilots whose sync is not simply well first, then those who were not looked at for the longest."""
    rows = await pool.fetch(
        "SELECT character_id, name, sync_state AS state, token_state, last_killmail_sync_at AS last_sync_at FROM users"
        " ORDER BY sync_state = ANY ($1), last_killmail_sync_at NULLS FIRST, character_id LIMIT $2",
        [str(state) for state in _FINE],
        TROUBLED,
    )
    return [ShownUser(**dict(row)) for row in rows]
