"""`finish_run`, `record_sync_state`: what pilots and operators read of a sync, put on record."""

from __future__ import annotations

import asyncpg
from temporalio import activity

from contracts.sync import FinishRun, RecordSyncState, RunAccount
from db.syncs.looks import finish_run, record_state
from db.syncs.subjects import a_character
from live import LiveEvents


class Runs:
    """Writes for the workflow, which cannot."""

    def __init__(self, pool: asyncpg.Pool, live: LiveEvents) -> None:
        self._pool = pool
        self._live = live

    @activity.defn
    async def finish_run(self, request: FinishRun) -> RunAccount:
        """Account for a run; an interrupted one stays open and is gone on with at the next look."""
        account = await finish_run(
            self._pool,
            request.run_id,
            a_character(request.character_id),
            interrupted=request.interrupted,
            next_sync_at=request.next_sync_at,
        )
        await self._live.sync_changed(request.character_id)
        return account

    @activity.defn
    async def record_sync_state(self, request: RecordSyncState) -> None:
        """Show the pilot a state that only the workflow knows: paused, waiting, degraded."""
        await record_state(self._pool, a_character(request.character_id), request.state, request.until)
        await self._live.sync_changed(request.character_id)
