"""What the watchdog needs to know of who should have a running workflow: every user with a grant, every corporation
that is followed and has a director in good standing. Never of all at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from contracts.sync import WAITS_FOR_LOGIN, SyncState
from contracts.upkeep import LATE_AFTER_INTERVALS


@dataclass(frozen=True, slots=True)
class Watched:
    """A table of subjects. The texts are SQL: who of them is wanted, and since when he waits for a first look."""

    table: str
    key: str
    corporation: str
    wanted: str
    since: str
    asleep: frozenset[SyncState]
    """Shown in one of these, a subject is not late, however long it has not been looked at."""


PILOTS = Watched(
    "users",
    "character_id",
    "corporation_id",
    "s.token_state = 'valid' AND s.refresh_token IS NOT NULL",
    "s.last_login_at",
    WAITS_FOR_LOGIN | {SyncState.PAUSED},
)
CORPORATIONS = Watched(
    "corporations_followed",
    "corporation_id",
    "corporation_id",
    """EXISTS (SELECT FROM corporation_directors d JOIN users u USING (character_id)
                WHERE d.corporation_id = s.corporation_id AND d.standing = 'good' AND u.token_state = 'valid')""",
    "s.created_at",
    frozenset({SyncState.PAUSED}),
)


@dataclass(frozen=True, slots=True)
class WatchedSync:
    """A subject that should have a running workflow. Times are UTC. `since`: the last login, or being followed."""

    subject_id: int
    corporation_id: int | None
    sync_state: SyncState
    first_synced: bool
    last_sync_at: datetime | None
    last_new_killmail_at: datetime | None
    since: datetime


async def count_watched(pool: asyncpg.Pool, which: Watched) -> int:
    """How many workflows there should be."""
    return int(await pool.fetchval(f"SELECT count(*) FROM {which.table} s WHERE {which.wanted}"))  # noqa: S608


async def watched(pool: asyncpg.Pool, which: Watched, after_id: int = 0, limit: int | None = None) -> list[WatchedSync]:
    """Those who should have a workflow, by id, above `after_id`; all of them without a limit."""
    rows = await pool.fetch(
        f"""
        SELECT s.{which.key} AS subject_id, s.{which.corporation} AS corporation_id, s.sync_state,
               s.first_synced_at IS NOT NULL AS first_synced, s.last_killmail_sync_at, s.last_new_killmail_at,
               {which.since} AS since
          FROM {which.table} s WHERE s.{which.key} > $1 AND {which.wanted}
         ORDER BY s.{which.key} LIMIT $2
        """,  # noqa: S608 - constants above
        after_id,
        limit,
    )
    return [
        WatchedSync(
            row["subject_id"],
            row["corporation_id"],
            SyncState(row["sync_state"]),
            row["first_synced"],
            row["last_killmail_sync_at"],
            row["last_new_killmail_at"],
            row["since"],
        )
        for row in rows
    ]


async def late(
    pool: asyncpg.Pool, which: Watched, interval: timedelta, limit: int, also: Collection[int] = ()
) -> list[int]:
    """Who has not been looked at for too long, those waiting longest first.

    Who waits for a limit or a downtime to end is not late; one that is well is late some intervals after the look that
    it was promised, for idle pilots are looked at less often.

    Args:
        also: these are to be looked at, too, unless they wait for something.
    """
    rows = await pool.fetch(
        f"""
        SELECT s.{which.key} AS subject_id FROM {which.table} s,
               LATERAL (SELECT (s.sync_detail ->> 'until')::timestamptz AS until) promised
         WHERE {which.wanted} AND s.sync_state <> ALL ($1)
           AND (s.sync_state = 'ok' OR coalesce(until <= now(), true))
           AND (s.{which.key} = ANY ($2)
                OR now() > greatest(coalesce(s.last_killmail_sync_at, {which.since}) + $3,
                                    CASE WHEN s.sync_state = 'ok' THEN until + $4 END))
         ORDER BY s.last_killmail_sync_at NULLS FIRST, s.{which.key} LIMIT $5
        """,  # noqa: S608 - constants above
        sorted(which.asleep),
        list(also),
        LATE_AFTER_INTERVALS * interval,
        (LATE_AFTER_INTERVALS - 1) * interval,
        limit,
    )
    return [row["subject_id"] for row in rows]


async def may_go_on(pool: asyncpg.Pool, which: Watched, subject_ids: Collection[int]) -> list[int]:
    """Of these, whose workflows wait for a permission, those that have one."""
    rows = await pool.fetch(
        f"SELECT s.{which.key} AS subject_id FROM {which.table} s"  # noqa: S608 - constants above
        f" WHERE s.{which.key} = ANY ($1) AND {which.wanted} AND s.sync_state <> ALL ($2) ORDER BY 1",
        list(subject_ids),
        sorted(which.asleep),
    )
    return [row["subject_id"] for row in rows]


async def promise_looks(pool: asyncpg.Pool, which: Watched, looks: Mapping[int, datetime]) -> None:
    """Write down when each of these is looked at next: until then nobody is late, and the pilot reads it."""
    await pool.execute(
        f"""
        UPDATE {which.table} s SET sync_detail = sync_detail || jsonb_build_object('until', look.at)
          FROM unnest($1::bigint[], $2::text[]) AS look(subject_id, at)
         WHERE s.{which.key} = look.subject_id AND s.sync_state <> ALL ($3)
        """,  # noqa: S608 - constants above
        list(looks),
        [at.isoformat() for at in looks.values()],
        sorted(which.asleep),
    )
