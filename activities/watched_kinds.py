"""Pilots and corporations as the watchdog sees them: which rows want a workflow, how it is signalled and restored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from contracts.corporations import CorporationSyncState
from contracts.search_attributes import CHARACTER_ID, CORPORATION_ID
from contracts.sync import SyncState, UserSyncState
from db.syncs.watching import CORPORATIONS, PILOTS, Watched, WatchedSync
from temporal.corporation_sync import signal_corporation_sync, start_corporation_sync
from temporal.user_sync import signal_user_sync, start_user_sync


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sync. `spacing_seconds`: restored ones look at ESI one after another, on average so far apart."""

    workflow: str
    key: SearchAttributeKey[int]
    watched: Watched
    permission_signal: str
    spacing_seconds: float
    signal: Callable[..., Awaitable[None]]
    restore: Callable[[Client, WatchedSync, int, datetime], Awaitable[None]]


async def _restore_pilot(client: Client, sync: WatchedSync, interval_seconds: int, look_at: datetime) -> None:
    state = UserSyncState(
        sync.subject_id,
        interval_seconds,
        first_sync_done=sync.first_synced,
        paused=sync.sync_state == SyncState.PAUSED,
        state=_state_until_the_first_look(sync),
        recorded_state=sync.sync_state,
        next_sync_at=look_at,
        last_sync_at=sync.last_sync_at,
        last_new_killmail_at=sync.last_new_killmail_at,
        awake_since=sync.since,
        corporation_id=sync.corporation_id,
    )
    await start_user_sync(client, state)


async def _restore_corporation(client: Client, sync: WatchedSync, interval_seconds: int, look_at: datetime) -> None:
    state = CorporationSyncState(
        sync.subject_id,
        interval_seconds,
        first_sync_done=sync.first_synced,
        paused=sync.sync_state == SyncState.PAUSED,
        state=_state_until_the_first_look(sync),
        recorded_state=sync.sync_state,
        next_sync_at=look_at,
        last_sync_at=sync.last_sync_at,
        last_new_killmail_at=sync.last_new_killmail_at,
        awake_since=sync.since,
    )
    await start_corporation_sync(client, state, reason=None)


def _state_until_the_first_look(sync: WatchedSync) -> SyncState:
    """Who was well stays so in the workflow's own account. Of trouble nobody knows whether it lasts."""
    return SyncState.OK if sync.sync_state == SyncState.OK else SyncState.STARTING


PILOT_SYNCS = Kind("UserSync", CHARACTER_ID, PILOTS, "token_granted", 0.25, signal_user_sync, _restore_pilot)
CORPORATION_SYNCS = Kind(
    "CorporationSync",
    CORPORATION_ID,
    CORPORATIONS,
    "director_granted",
    1.0,
    signal_corporation_sync,
    _restore_corporation,
)
