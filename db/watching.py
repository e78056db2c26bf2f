"""What the watchdog needs to know of every user who has a grant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from contracts.sync import SyncState


@dataclass(frozen=True, slots=True)
class WatchedUser:
    """A user who should have a running workflow. Times are UTC."""

    character_id: int
    corporation_id: int | None
    sync_state: SyncState
    until: datetime | None
    first_synced: bool
    last_sync_at: datetime | None
    last_login_at: datetime


async def watched_users(pool: asyncpg.Pool) -> list[WatchedUser]:
    """Users with a valid grant, those waiting longest first."""
    rows = await pool.fetch(
        """
        SELECT character_id, corporation_id, sync_state, sync_detail ->> 'until' AS until,
               first_synced_at IS NOT NULL AS first_synced, last_killmail_sync_at, last_login_at
          FROM users WHERE token_state = 'valid' AND refresh_token IS NOT NULL
         ORDER BY last_killmail_sync_at NULLS FIRST, character_id
        """
    )
    return [
        WatchedUser(
            character_id=row["character_id"],
            corporation_id=row["corporation_id"],
            sync_state=SyncState(row["sync_state"]),
            until=datetime.fromisoformat(row["until"]) if row["until"] else None,
            first_synced=row["first_synced"],
            last_sync_at=row["last_killmail_sync_at"],
            last_login_at=row["last_login_at"],
        )
        for row in rows
    ]
