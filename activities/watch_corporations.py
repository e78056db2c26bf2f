"""The watchdog's part for corporations: what is missing is started, what sleeps too long is woken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
from temporalio.client import Client

from contracts.corporations import CorporationSyncState
from contracts.search_attributes import CORPORATION_ID, SYNC_STATE
from contracts.sync import SyncState
from contracts.upkeep import LATE_AFTER_INTERVALS, WatchdogReport
from db.syncs.watching import WatchedCorporation, watched_corporations
from temporal.corporation_sync import signal_corporation_sync, start_corporation_sync
from temporal.handles import WorkflowNotRunning

RUNNING = 'WorkflowType="CorporationSync" AND ExecutionStatus="Running"'
AT_MOST = 200
"""Corporations started or woken in one run; the next run is five minutes away."""
SPACING = timedelta(seconds=1)
"""Restored corporations look at ESI one after another, not all at once."""


async def watch_corporations(
    pool: asyncpg.Pool, client: Client, sync_interval_seconds: int, report: WatchdogReport
) -> None:
    """Start and wake, each bounded. Idempotent: a running workflow is never started twice."""
    now = datetime.now(UTC)
    shown: dict[int, str] = {}
    async for workflow in client.list_workflows(RUNNING, page_size=1000):
        corporation_id = workflow.typed_search_attributes.get(CORPORATION_ID)
        if corporation_id is not None:
            shown[corporation_id] = workflow.typed_search_attributes.get(SYNC_STATE) or ""
    done = 0
    for corporation in await watched_corporations(pool):
        if done >= AT_MOST:
            return
        if corporation.corporation_id not in shown:
            await start_corporation_sync(
                client, _restored(corporation, sync_interval_seconds, now + done * SPACING), reason="watchdog"
            )
            report.started += 1
            done += 1
        elif signal := _needs(corporation, shown[corporation.corporation_id], sync_interval_seconds, now):
            try:
                await signal_corporation_sync(client, corporation.corporation_id, signal, "watchdog")
            except WorkflowNotRunning:
                continue  # ended since it was listed: started at the next run
            report.woken += 1
            done += 1


def _restored(corporation: WatchedCorporation, sync_interval_seconds: int, when: datetime) -> CorporationSyncState:
    return CorporationSyncState(
        corporation.corporation_id,
        sync_interval_seconds,
        first_sync_done=corporation.first_synced,
        paused=corporation.sync_state == SyncState.PAUSED,
        recorded_state=corporation.sync_state,
        next_sync_at=when,
        last_sync_at=corporation.last_sync_at,
    )


def _needs(corporation: WatchedCorporation, shown_by_workflow: str, interval: int, now: datetime) -> str | None:
    """The signal this corporation's workflow wants, if any."""
    if corporation.sync_state == SyncState.PAUSED:
        return None
    if shown_by_workflow == SyncState.NO_DIRECTOR:
        return "director_granted"  # a director came whose signal never arrived
    if corporation.until is not None and corporation.until > now and corporation.sync_state != SyncState.OK:
        return None  # it waits for a limit or a downtime to end
    late_after = timedelta(seconds=LATE_AFTER_INTERVALS * interval)
    return "sync_now" if now - (corporation.last_sync_at or corporation.created_at) > late_after else None
