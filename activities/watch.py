"""`watch_users`: are all users looked after? What is missing is started, what sleeps too long is woken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
from prometheus_client import Counter
from temporalio import activity
from temporalio.client import Client

from activities.watch_corporations import watch_corporations
from contracts.search_attributes import CHARACTER_ID, SYNC_STATE
from contracts.sync import WAITS_FOR_LOGIN, SyncState, UserSyncState
from contracts.upkeep import LATE_AFTER_INTERVALS, WatchdogReport
from db.accounts.departures import unfinished_departures
from db.intake.arrivals import record_missed_arrivals
from db.intake.history import wait_for_history
from db.intake.references import adopt_orphans, orphaned_finders
from db.syncs.watching import WatchedUser, watched_users
from temporal.archive import start_archive_history
from temporal.departure import start_departure
from temporal.handles import WorkflowNotRunning
from temporal.task_queues import workflows_with_problems
from temporal.user_sync import signal_user_sync, start_user_sync

START_AT_MOST = 500
"""Workflows started in one run; the next run is five minutes away."""
WAKE_AT_MOST = 500
ADOPT_AT_MOST = 500
LOST_AFTER = timedelta(minutes=1)
"""A departure that was written down so long ago and is not over may have nobody who works on it."""
SPACING = timedelta(seconds=0.25)
"""Restored users look at ESI one after another, not all at once."""
RUNNING = 'WorkflowType="UserSync" AND ExecutionStatus="Running"'

RUNS = Counter("killreport_watchdog_runs", "Runs of the watchdog that came to their end.")
FOUND = Counter("killreport_watchdog_findings", "Syncs that the watchdog had to start or wake.", ["done"])
for _done in ("started", "woken"):
    FOUND.labels(_done)


class Watch:
    """Compares the database, which is the truth, with the workflows that run.

    Args:
        ring: wakes the webhooks that are behind.
    """

    def __init__(
        self, pool: asyncpg.Pool, client: Client, sync_interval_seconds: int, ring: Callable[[], Awaitable[int]]
    ) -> None:
        self._pool = pool
        self._client = client
        self._interval = sync_interval_seconds
        self._ring = ring

    @activity.defn
    async def watch_users(self) -> WatchdogReport:
        """Start, wake and adopt, each bounded. Idempotent: a running workflow is never started twice."""
        report = WatchdogReport()
        users = await watched_users(self._pool)
        running = await self._running()
        report.users = len(users)
        await self._start([user for user in users if user.character_id not in running], report)
        finders = set(await orphaned_finders(self._pool))
        for user in users:
            if user.character_id not in running or report.woken >= WAKE_AT_MOST:
                continue
            signal = self._needs(user, running[user.character_id], finders)
            if signal and await self._wake(user.character_id, signal):
                report.woken += 1
        await watch_corporations(self._pool, self._client, self._interval, report)
        await self._finish_departures()
        await self._announce_what_was_missed()
        await self._ring()
        if await wait_for_history(self._pool) is not None:
            await start_archive_history(self._client, asked=False)
        report.orphaned_killmail_ids = await adopt_orphans(self._pool, ADOPT_AT_MOST)
        report.wedged = await workflows_with_problems(self._client)
        RUNS.inc()
        FOUND.labels("started").inc(report.started)
        FOUND.labels("woken").inc(report.woken)
        if report.started or report.woken or report.wedged:
            activity.logger.warning(
                "Watchdog: %d started, %d woken, %d wedged", report.started, report.woken, report.wedged
            )
        return report

    async def _finish_departures(self) -> None:
        """Characters that left and whose `Departure` was never started."""
        for character_id in await unfinished_departures(self._pool, datetime.now(UTC) - LOST_AFTER, START_AT_MOST):
            await start_departure(self._client, character_id)

    async def _announce_what_was_missed(self) -> None:
        if missed := await record_missed_arrivals(self._pool):
            activity.logger.warning("Watchdog: %d killmails had been stored and not announced", len(missed))

    async def _running(self) -> dict[int, str]:
        """Every running `UserSync`: its character and its SyncState."""
        found: dict[int, str] = {}
        async for workflow in self._client.list_workflows(RUNNING, page_size=1000):
            attributes = workflow.typed_search_attributes
            character_id = attributes.get(CHARACTER_ID)
            if character_id is not None:
                found[character_id] = attributes.get(SYNC_STATE) or ""
        return found

    async def _start(self, missing: list[WatchedUser], report: WatchdogReport) -> None:
        now = datetime.now(UTC)
        for position, user in enumerate(missing[:START_AT_MOST]):
            state = UserSyncState(
                user.character_id,
                self._interval,
                first_sync_done=user.first_synced,
                paused=user.sync_state == SyncState.PAUSED,
                recorded_state=user.sync_state,
                next_sync_at=now + position * SPACING,
                last_sync_at=user.last_sync_at,
                corporation_id=user.corporation_id,
            )
            await start_user_sync(self._client, state, start_signal="token_granted", reason="watchdog")
            report.started += 1

    def _needs(self, user: WatchedUser, shown_by_workflow: str, finders: set[int]) -> str | None:
        """The signal this user's workflow wants, if any."""
        if user.sync_state in WAITS_FOR_LOGIN or user.sync_state == SyncState.PAUSED:
            return None
        if shown_by_workflow in WAITS_FOR_LOGIN:
            return "token_granted"  # a login whose signal never arrived
        interval = timedelta(seconds=self._interval)
        now = datetime.now(UTC)
        if user.until is not None and user.until > now and user.sync_state != SyncState.OK:
            return None  # it waits for a limit or a downtime to end
        late_at = (user.last_sync_at or user.last_login_at) + LATE_AFTER_INTERVALS * interval
        if user.until is not None and user.sync_state == SyncState.OK:
            late_at = max(late_at, user.until + (LATE_AFTER_INTERVALS - 1) * interval)  # idle: looked at less often
        if now > late_at or user.character_id in finders:
            return "sync_now"
        return None

    async def _wake(self, character_id: int, signal: str) -> bool:
        try:
            await signal_user_sync(self._client, character_id, signal, "watchdog")
        except WorkflowNotRunning:
            return False  # ended since it was listed: started at the next run
        return True
