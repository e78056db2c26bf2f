"""Editions of digests: one for each period, made when it is due, and what it tells, kept as it was first told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from db.webhooks.schedule import Every, Schedule
from db.webhooks.taking import NotSent

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
MADE_AT_ONCE = 500
KEPT = timedelta(days=60)
CONFIRMED_WITHIN = timedelta(days=7)
"""A recipient who has not confirmed by then is forgotten."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A period of a digest. `told`: what was worked out for it; None: nothing yet."""

    edition_id: int
    every: Every
    begins_at: datetime
    ends_at: datetime
    even_if_empty: bool
    told: dict[str, Any] | None


_DUE = """
SELECT digests.* FROM digests JOIN webhooks USING (webhook_id) LEFT JOIN mail_recipients USING (webhook_id)
 WHERE digests.next_at <= $1 AND webhooks.paused_reason IS NULL
   AND (mail_recipients.webhook_id IS NULL OR mail_recipients.confirmed_at IS NOT NULL)
 ORDER BY digests.next_at LIMIT $2 FOR UPDATE OF digests SKIP LOCKED
"""
_EDITION = """
WITH made AS (
    INSERT INTO digest_editions (webhook_id, begins_at, ends_at, late_after) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING RETURNING edition_id
)
INSERT INTO webhook_deliveries (webhook_id, digest_edition_id, state, reason, settled_at)
SELECT $1, edition_id, CASE WHEN $5::text IS NULL THEN 'waiting' ELSE 'skipped' END, $5,
       CASE WHEN $5::text IS NOT NULL THEN now() END
  FROM made
"""


def schedule_of(row: Mapping[str, Any] | asyncpg.Record) -> Schedule:
    """A row of `digests`."""
    return Schedule(Every(row["every"]), row["hour"], row["weekday"], row["even_if_empty"])


async def make_due_editions(pool: asyncpg.Pool, now: datetime | None = None) -> int:
    """Each digest that is due gets its edition, which waits to be sent; how many digests were due.

    What nobody was here to make is made late, or left out if it is too late: its log says so. Periods that were missed
    altogether are one line of it.
    """
    moment = now or datetime.now(UTC)
    async with pool.acquire() as connection, connection.transaction():
        due = await connection.fetch(_DUE, moment, MADE_AT_ONCE)
        for row in due:
            await _make(connection, row["webhook_id"], schedule_of(row), row["next_at"], moment)
        await connection.execute(
            "DELETE FROM digest_editions WHERE webhook_id = ANY ($1) AND ends_at < $2",
            [row["webhook_id"] for row in due],
            moment - KEPT,
        )
        await connection.execute(
            "DELETE FROM webhooks USING mail_recipients WHERE mail_recipients.webhook_id = webhooks.webhook_id"
            " AND confirmed_at IS NULL AND webhooks.created_at < $1",
            moment - CONFIRMED_WITHIN,
        )
    return len(due)


async def _make(connection: Connection, webhook_id: int, schedule: Schedule, since: datetime, moment: datetime) -> None:
    upcoming = schedule.next_after(moment)
    latest = upcoming - schedule.period  # the last that is due by now
    begins, late_after = latest - schedule.period, latest + schedule.lateness
    missed: str | None = str(NotSent.MISSED)
    if moment > late_after:
        await connection.execute(_EDITION, webhook_id, since - schedule.period, latest, late_after, missed)
    else:
        if since < latest:
            await connection.execute(_EDITION, webhook_id, since - schedule.period, begins, late_after, missed)
        await connection.execute(_EDITION, webhook_id, begins, latest, late_after, None)
    await connection.execute("UPDATE digests SET next_at = $2 WHERE webhook_id = $1", webhook_id, upcoming)


async def edition_of(pool: asyncpg.Pool, edition_id: int) -> Edition | None:
    """An edition with what it tells, if that is known already; None: its digest is gone."""
    row = await pool.fetchrow(
        "SELECT * FROM digest_editions JOIN digests USING (webhook_id) WHERE edition_id = $1", edition_id
    )
    if row is None:
        return None
    told = None if row["told"] is None else orjson.loads(row["told"])
    return Edition(row["edition_id"], Every(row["every"]), row["begins_at"], row["ends_at"], row["even_if_empty"], told)


async def keep_told(pool: asyncpg.Pool, edition_id: int, told: dict[str, Any]) -> dict[str, Any]:
    """What the edition tells from now on, at each attempt: this, or what was kept before."""
    kept = await pool.fetchval(
        "UPDATE digest_editions SET told = coalesce(told, $2) WHERE edition_id = $1 RETURNING told",
        edition_id,
        orjson.dumps(told).decode(),
    )
    return told if kept is None else dict(orjson.loads(kept))
