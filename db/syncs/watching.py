"""What the watchdog needs to know of every user who has a grant, and of every corporation that is followed."""

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


@dataclass(frozen=True, slots=True)
class WatchedCorporation:
    """A corporation with a director in good standing: it should have a running workflow. Times are UTC."""

    corporation_id: int
    sync_state: SyncState
    until: datetime | None
    first_synced: bool
    last_sync_at: datetime | None
    created_at: datetime


async def watched_corporations(pool: asyncpg.Pool) -> list[WatchedCorporation]:
    """Those waiting longest first."""
    rows = await pool.fetch(
        """
        SELECT corporation_id, sync_state, sync_detail ->> 'until' AS until,
               first_synced_at IS NOT NULL AS first_synced, last_killmail_sync_at, created_at
          FROM corporations_followed f
         WHERE EXISTS (SELECT FROM corporation_directors d JOIN users u USING (character_id)
                        WHERE d.corporation_id = f.corporation_id AND d.standing = 'good' AND u.token_state = 'valid')
         ORDER BY last_killmail_sync_at NULLS FIRST, corporation_id
        """
    )
    return [
        WatchedCorporation(
            corporation_id=row["corporation_id"],
            sync_state=SyncState(row["sync_state"]),
            until=datetime.fromisoformat(row["until"]) if row["until"] else None,
            first_synced=row["first_synced"],
            last_sync_at=row["last_killmail_sync_at"],
            created_at=row["created_at"],
        )
        for row in rows
    ]
