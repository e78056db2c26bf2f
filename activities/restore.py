"""`restore_syncs`: the workflows that Temporal has lost are started again, a page of them at a time."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import asyncpg
from temporalio import activity
from temporalio.client import Client

from activities.watch import FOUND
from activities.watched_kinds import CORPORATION_SYNCS, PILOT_SYNCS
from contracts.pacing import restored_look
from contracts.upkeep import RestoredSyncs, RestoreSyncs
from db.syncs.watching import promise_looks, watched
from temporal.running import running_between
from temporal.task_queues import workflow_tasks_waiting

PAGE = 500
"""Pilots or corporations compared by one activity: half a minute of starts where all are lost."""
STARTS_AT_ONCE = 16
WAITING_AT_MOST = 200
"""Workflow tasks that wait when a page's starts begin. Starts are quicker than first tasks: without this, a worker
would fall behind by minutes, and all whose looks were due meanwhile would ask ESI at once."""
ASK_AGAIN_SECONDS = 0.25
WAIT_SECONDS = 60.0
"""Longest wait for that. A worker that is slower is no reason to leave the others lost."""


class Restore:
    """Compares a page of the database, which is the truth, with the workflows that run."""

    def __init__(self, pool: asyncpg.Pool, client: Client, sync_interval_seconds: int, page: int = PAGE) -> None:
        self._pool = pool
        self._client = client
        self._interval = sync_interval_seconds
        self._page = page

    @activity.defn
    async def restore_syncs(self, request: RestoreSyncs) -> RestoredSyncs:
        """Start who is missing. Idempotent: a running workflow is never started twice, and hears nothing of it.

        First looks lie over `request.lost` spacings, and over an interval at most: as dense as looks always are.
        """
        kind = CORPORATION_SYNCS if request.corporations else PILOT_SYNCS
        page = await watched(self._pool, kind.watched, request.after_id, self._page)
        if not page:
            return RestoredSyncs()
        first, last = page[0].subject_id, page[-1].subject_id
        running = await running_between(self._client, kind.workflow, kind.key, first, last)
        missing = [sync for sync in page if sync.subject_id not in running]
        if missing:
            await self._let_others_begin()
        window = min(float(self._interval), max(request.lost, 1) * kind.spacing_seconds)
        now = datetime.now(UTC)
        looks = {sync.subject_id: restored_look(sync.subject_id, window, now) for sync in missing}
        if looks:
            await promise_looks(self._pool, kind.watched, looks)
        waiting = missing[::-1]

        async def start() -> None:
            while waiting:
                sync = waiting.pop()
                await kind.restore(self._client, sync, self._interval, looks[sync.subject_id])

        try:
            async with asyncio.TaskGroup() as starting:
                for _ in range(STARTS_AT_ONCE):
                    starting.create_task(start())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # the others say the same
        FOUND.labels("started").inc(len(missing))
        if missing:
            activity.logger.warning("Watchdog: %d %s started", len(missing), kind.workflow)
        return RestoredSyncs(len(missing), last if len(page) == self._page else None)

    async def _let_others_begin(self) -> None:
        """Until the first tasks of those who were started before are done, but for a few."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while await workflow_tasks_waiting(self._client) > WAITING_AT_MOST:  # noqa: ASYNC110 - Temporal tells nobody
                    await asyncio.sleep(ASK_AGAIN_SECONDS)
