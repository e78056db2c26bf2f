"""What a first sync brought: the numbers a new pilot is welcomed with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import asyncpg

from contracts.sync import SyncState

FRESH_FOR = timedelta(minutes=30)
"""How long after its end a first sync is news."""


@dataclass(frozen=True, slots=True)
class FirstSync:
    """Killmails that came in, by the pilot's side; `oldest` and `newest` are days of EVE time."""

    character_id: int
    name: str
    kills: int
    losses: int
    failed: int
    oldest: date | None
    newest: date | None


async def first_syncs(pool: asyncpg.Pool, character_ids: Collection[int]) -> list[FirstSync]:
    """Those of these characters' first syncs that just ended."""
    rows = await pool.fetch(
        """
        SELECT run.character_id, users.name, run.failed,
               count(*) FILTER (WHERE NOT seen.lost) AS kills, count(*) FILTER (WHERE seen.lost) AS losses,
               (min(seen.killmail_time) AT TIME ZONE 'UTC')::date AS oldest,
               (max(seen.killmail_time) AT TIME ZONE 'UTC')::date AS newest
          FROM sync_runs run
          JOIN users USING (character_id)
          LEFT JOIN LATERAL (
                SELECT killmail_id, killmail_time, bool_or(is_victim) AS lost FROM participants
                 WHERE participants.character_id = run.character_id AND killmail_id = ANY (run.killmail_ids)
                 GROUP BY killmail_id, killmail_time) AS seen ON true
         WHERE run.character_id = ANY ($1) AND run.kind = 'first' AND run.finished_at > now() - $2::interval
         GROUP BY run.run_id, users.name, users.created_at
         ORDER BY users.created_at, run.character_id
        """,
        list(character_ids),
        FRESH_FOR,
    )
    fields = ("character_id", "name", "kills", "losses", "failed", "oldest", "newest")
    return [FirstSync(**{field: row[field] for field in fields}) for row in rows]


async def first_data_arrives(pool: asyncpg.Pool, account_id: int) -> bool:
    """Whether a character of the account has yet to be looked at for the first time."""
    return bool(
        await pool.fetchval(
            "SELECT EXISTS (SELECT FROM users"
            " WHERE account_id = $1 AND token_state = 'valid' AND last_killmail_sync_at IS NULL"
            " AND sync_state = ANY ($2))",
            account_id,
            [SyncState.STARTING, SyncState.FIRST_SYNC, SyncState.SYNCING],
        )
    )
