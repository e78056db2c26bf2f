"""How the installation stands, in figures: for `killreport status` and `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import asyncpg

from contracts.sync import SyncState
from contracts.upkeep import LATE_AFTER_INTERVALS

T = TypeVar("T")
ESTIMATED_FROM = 1_000_000
"""Killmails from which on they are not counted: that reads all of an index, a second for every few million."""
SLOW_SECONDS = 1.0
_NOT_SYNCED = (SyncState.PAUSED, SyncState.NEEDS_LOGIN, SyncState.OWNER_CHANGED, SyncState.REMOVED)
IS_SYNCED = "(token_state = 'valid' AND sync_state <> ALL($2::text[]))"
IS_LATE = """(now() > greatest(
    coalesce(last_killmail_sync_at, created_at) + make_interval(secs => $1),
    CASE WHEN sync_state = 'ok' THEN (sync_detail ->> 'until')::timestamptz END + make_interval(secs => $3)
))"""
"""SQL about a row of `users`, with `late_values` as $1 to $3."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Times are UTC, sizes bytes, lags seconds. `users`: how many by SyncState, the most first.

    Late are users whose last look is `LATE_AFTER_INTERVALS` ago, or, if idle, so many less one after the next was due.
    """

    users: dict[str, int]
    references_pending: int
    references_failed: int
    last_sync_at: datetime | None
    longest_since_sync_seconds: float | None
    late_users: int
    database_bytes: int


def late_values(sync_interval_seconds: int) -> tuple[float, list[str], float]:
    """What `IS_SYNCED` and `IS_LATE` ask for."""
    return (
        float(LATE_AFTER_INTERVALS * sync_interval_seconds),
        [str(state) for state in _NOT_SYNCED],
        float((LATE_AFTER_INTERVALS - 1) * sync_interval_seconds),
    )


async def figures(pool: asyncpg.Pool, sync_interval_seconds: int) -> Figures:
    """Two statements; the counts are exact. What takes long in a large database is asked for apart, below."""
    states = await pool.fetch("SELECT sync_state, count(*) AS users FROM users GROUP BY sync_state ORDER BY users DESC")
    row = await pool.fetchrow(
        "SELECT"  # noqa: S608 - made of constants
        " (SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL AND parked_at IS NULL) AS references_pending,"
        " (SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL AND parked_at IS NOT NULL) AS references_failed,"
        " max(last_killmail_sync_at) AS last_sync_at,"
        " extract(epoch FROM now() - min(last_killmail_sync_at) FILTER (WHERE synced))::float8"
        "   AS longest_since_sync_seconds,"
        f" count(*) FILTER (WHERE synced AND {IS_LATE}) AS late_users,"
        " pg_database_size(current_database()) AS database_bytes"
        f" FROM (SELECT *, {IS_SYNCED} AS synced FROM users) AS users",
        *late_values(sync_interval_seconds),
    )
    assert row is not None  # noqa: S101 - an aggregate always has a row
    return Figures(users={state["sync_state"]: state["users"] for state in states}, **dict(row))


async def killmails_stored(pool: asyncpg.Pool) -> int:
    """How many; from a million on, in thousands, as Postgres estimated when it last analyzed or vacuumed the table. It
    does so for every fiftieth row that is new."""
    estimate = await pool.fetchval("SELECT reltuples::bigint FROM pg_class WHERE oid = 'killmails'::regclass")
    if estimate >= ESTIMATED_FROM:
        return int(estimate) // 1000 * 1000
    return int(await pool.fetchval("SELECT count(*) FROM killmails"))


async def unless_slow(asking: Awaitable[T]) -> T | None:
    """The figure, or None after `SLOW_SECONDS`: what is told beside it does not wait longer."""
    try:
        async with asyncio.timeout(SLOW_SECONDS):
            return await asking
    except TimeoutError:
        return None


async def tokens_by_state(pool: asyncpg.Pool) -> dict[str, int]:
    """How many grants by `users.token_state`."""
    rows = await pool.fetch("SELECT token_state, count(*) AS users FROM users GROUP BY token_state")
    return {row["token_state"]: row["users"] for row in rows}


async def table_bytes(pool: asyncpg.Pool) -> dict[str, int]:
    """The size of each table of ours with its indexes and large values."""
    rows = await pool.fetch(
        "SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
    )
    return {row["relname"]: row["bytes"] for row in rows}
