"""Rows that grow old, and users whose full sync is due."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime, timedelta

import asyncpg

from contracts.sync import SyncState
from contracts.upkeep import Housekept

BATCH = 5_000
"""Rows of one table deleted in one statement: short locks, little to write at once."""
ATTEMPTS_KEPT = timedelta(hours=1)
DELIVERIES_KEPT = timedelta(days=30)
NOT_SYNCED = (
    SyncState.PAUSED,
    SyncState.NEEDS_LOGIN,
    SyncState.OWNER_CHANGED,
    SyncState.NO_DIRECTOR,
    SyncState.REMOVED,
)

# The newest finished run of each user or corporation is what they are shown; an open one is gone on with.
_OLD_RUNS = """
DELETE FROM sync_runs WHERE run_id IN (
    SELECT run_id FROM sync_runs s WHERE finished_at < now() - $1::interval
       AND EXISTS (SELECT FROM sync_runs newer WHERE newer.run_id > s.run_id AND newer.finished_at IS NOT NULL
                      AND (newer.character_id = s.character_id OR newer.corporation_id = s.corporation_id))
     ORDER BY finished_at LIMIT $2)
"""
_OLD_EVENTS = """
DELETE FROM login_events WHERE login_event_id IN (
    SELECT login_event_id FROM login_events WHERE at < now() - $1::interval ORDER BY at LIMIT $2)
"""
_OLD_SESSIONS = """
DELETE FROM sessions WHERE session_hash IN (SELECT session_hash FROM sessions WHERE expires_at < now() LIMIT $1)
"""
_OLD_ATTEMPTS = """
DELETE FROM login_attempts WHERE state_hash IN (
    SELECT state_hash FROM login_attempts WHERE expires_at < now() - $1::interval LIMIT $2)
"""


_OLD_DELIVERIES = """
DELETE FROM webhook_deliveries WHERE webhook_delivery_id IN (
    SELECT webhook_delivery_id FROM webhook_deliveries WHERE settled_at < now() - $1::interval LIMIT $2)
"""


async def delete_old_rows(
    pool: asyncpg.Pool, *, runs_kept: timedelta, events_kept: timedelta, batch: int = BATCH
) -> Housekept:
    """Delete at most `batch` rows of each table; `done` when none of them had so many."""
    deleted = Housekept(
        sync_runs=_count(await pool.execute(_OLD_RUNS, runs_kept, batch)),
        login_events=_count(await pool.execute(_OLD_EVENTS, events_kept, batch)),
        sessions=_count(await pool.execute(_OLD_SESSIONS, batch)),
        login_attempts=_count(await pool.execute(_OLD_ATTEMPTS, ATTEMPTS_KEPT, batch)),
        webhook_deliveries=_count(await pool.execute(_OLD_DELIVERIES, DELIVERIES_KEPT, batch)),
    )
    deleted.done = all(count < batch for count in astuple(deleted)[:-1])
    return deleted


async def last_full_syncs(pool: asyncpg.Pool) -> list[tuple[int, datetime | None]]:
    """Who is synced, and when all that ESI lists to them was last accounted for (UTC); oldest first.

    Characters and corporations; their ids never coincide.
    """
    rows = await pool.fetch(
        "SELECT character_id AS id, last_full_sync_at FROM users"
        " WHERE token_state = 'valid' AND first_synced_at IS NOT NULL AND sync_state <> ALL ($1)"
        " UNION ALL SELECT corporation_id, last_full_sync_at FROM corporations_followed"
        " WHERE first_synced_at IS NOT NULL AND sync_state <> ALL ($1)"
        " ORDER BY last_full_sync_at NULLS FIRST, id",
        [str(state) for state in NOT_SYNCED],
    )
    return [(row["id"], row["last_full_sync_at"]) for row in rows]


def _count(command_tag: str) -> int:
    return int(command_tag.rpartition(" ")[2])
