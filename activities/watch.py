"""`watch_users`: do as many syncs run as should? What sleeps too long is woken, what others left is taken up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta

import asyncpg
from prometheus_client import Counter
from temporalio import activity
from temporalio.client import Client

from activities.watched_kinds import CORPORATION_SYNCS, PILOT_SYNCS, Kind
from contracts.upkeep import WATCHDOG_EVERY, WatchdogReport
from db.accounts.departures import unfinished_departures
from db.intake.arrivals import record_missed_arrivals
from db.intake.history import wait_for_history
from db.intake.naming_place import ahead_of_naming
from db.intake.references import adopt_orphans, orphaned_finders
from db.syncs.watching import count_watched, late, may_go_on
from temporal.archive import start_archive_history, start_live_killmails
from temporal.departure import start_departure
from temporal.handles import WorkflowNotRunning
from temporal.running import count_at_work, waiting_for_permission
from temporal.task_queues import workflows_with_problems

WAKE_AT_MOST = 500
"""Of each kind in one run; the next run is five minutes away."""
ADOPT_AT_MOST = 500
DEPARTURES_AT_MOST = 500
LOST_AFTER = timedelta(minutes=1)
"""A departure that was written down so long ago and is not over may have nobody who works on it."""

RUNS = Counter("killreport_watchdog_runs", "Runs of the watchdog that came to their end.")
FOUND = Counter("killreport_watchdog_findings", "Syncs that the watchdog had to start or wake.", ["done"])
for _done in ("started", "woken"):
    FOUND.labels(_done)


class Watch:
    """Counts in the database, which is the truth, and in Temporal. Holds no more than a page of either.

    Args:
        ring: wakes the webhooks that are behind.
        wake_enrichment: told that killmails may want names.
        follows_stream: zKillboard's stream of new killmails is to be followed.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        client: Client,
        sync_interval_seconds: int,
        ring: Callable[[], Awaitable[int]],
        wake_enrichment: Callable[[], Awaitable[None]],
        *,
        follows_stream: bool = False,
    ) -> None:
        self._pool = pool
        self._client = client
        self._interval = timedelta(seconds=sync_interval_seconds)
        self._ring = ring
        self._wake_enrichment = wake_enrichment
        self._follows_stream = follows_stream

    @activity.defn
    async def watch_users(self) -> WatchdogReport:
        """Count, wake and adopt, each bounded. Idempotent; who is missing is started by `restore_syncs`."""
        report = WatchdogReport()
        report.users, report.lost_pilots = await self._lost(PILOT_SYNCS)
        _, report.lost_corporations = await self._lost(CORPORATION_SYNCS)
        woken, gone = await self._wake(PILOT_SYNCS, await orphaned_finders(self._pool))
        if gone and report.lost_pilots is None:
            report.lost_pilots = gone
        report.woken += woken
        woken, gone = await self._wake(CORPORATION_SYNCS)
        if gone and report.lost_corporations is None:
            report.lost_corporations = gone
        report.woken += woken
        await self._finish_departures()
        await self._announce_what_was_missed()
        await self._ring()
        if await ahead_of_naming(self._pool, 1) is not None:
            await self._wake_enrichment()
        if await wait_for_history(self._pool) is not None:
            await start_archive_history(self._client, asked=False)
        if self._follows_stream:
            await start_live_killmails(self._client)
        report.orphaned_killmail_ids = await adopt_orphans(self._pool, ADOPT_AT_MOST)
        report.wedged = await workflows_with_problems(self._client)
        RUNS.inc()
        FOUND.labels("woken").inc(report.woken)
        if report.woken or report.wedged:
            activity.logger.warning("Watchdog: %d woken, %d wedged", report.woken, report.wedged)
        return report

    async def _lost(self, kind: Kind) -> tuple[int, int | None]:
        """How many should run, and how many of them do not; None: as many do as should.

        That the numbers are equal does not prove that the workflows are the right ones: once an hour they are compared
        all the same. (Who is looked at is missed sooner: he is late.)
        """
        wanted = await count_watched(self._pool, kind.watched)
        at_work = await count_at_work(self._client, kind.workflow)
        now = datetime.now(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0)
        return wanted, None if wanted == at_work and now - hour >= WATCHDOG_EVERY else max(wanted - at_work, 0)

    async def _wake(self, kind: Kind, finders: Collection[int] = ()) -> tuple[int, int]:
        """Tell workflows of a permission that they missed, and of a look that is due. How many, and how many were gone.

        Args:
            finders: who left killmails that nobody works on.
        """
        told: set[int] = set()
        gone = 0
        async for waiting in waiting_for_permission(self._client, kind.workflow, kind.key):
            for subject_id in await may_go_on(self._pool, kind.watched, waiting):
                if len(told) < WAKE_AT_MOST and await self._signal(kind, subject_id, kind.permission_signal):
                    told.add(subject_id)
        for subject_id in await late(self._pool, kind.watched, self._interval, WAKE_AT_MOST - len(told), finders):
            if subject_id in told:
                continue
            if await self._signal(kind, subject_id, "sync_now"):
                told.add(subject_id)
            else:
                gone += 1
        return len(told), gone

    async def _signal(self, kind: Kind, subject_id: int, signal: str) -> bool:
        try:
            await kind.signal(self._client, subject_id, signal, "watchdog", keeps_pace=True)
        except WorkflowNotRunning:
            return False
        return True

    async def _finish_departures(self) -> None:
        """Characters that left and whose `Departure` was never started."""
        lost_before = datetime.now(UTC) - LOST_AFTER
        for character_id in await unfinished_departures(self._pool, lost_before, DEPARTURES_AT_MOST):
            await start_departure(self._client, character_id)

    async def _announce_what_was_missed(self) -> None:
        if missed := await record_missed_arrivals(self._pool):
            activity.logger.warning("Watchdog: %d killmails had been stored and not announced", len(missed))
