"""`killreport revalue`: calculate every killmail's value and flags again, in a workflow that outlives the command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from contracts.task_queues import SYNC_QUEUE
from contracts.values import REVALUATION_ID, Revalued
from operations.connections import database, temporal_client, temporal_failures
from operations.failure import OperationFailed
from operations.sync import SyncSeen
from settings import Settings

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Revaluation:
    """The result. `since` is that of the revaluation under way, if there was one already."""

    since: str | None
    looked_at: int
    changed: int
    seconds: float


async def revalue(
    settings: Settings, *, since: date | None, timeout_seconds: float, on_progress: Callable[[SyncSeen], None]
) -> Revaluation:
    """Start a revaluation, or join the one under way, and wait until it is done.

    Args:
        since: only killmails of that day (UTC) and later.

    Raises:
        OperationFailed: a service is away, it failed, or it was not done within `timeout_seconds`.
    """
    began = datetime.now(UTC)
    async with database(settings) as pool:
        total = await pool.fetchval(
            "SELECT count(*) FROM killmails WHERE $1::timestamptz IS NULL OR killmail_time >= $1",
            datetime.combine(since, time(), UTC) if since else None,
        )
    client = await temporal_client(settings)
    with temporal_failures(settings):
        handle = await _start(client, since)
        try:
            async with asyncio.timeout(timeout_seconds):
                revalued = await _follow(handle, int(total), on_progress)
        except WorkflowFailureError as error:
            raise OperationFailed(
                f"The workflow {REVALUATION_ID} failed; Temporal's UI says why. Run this again when that is fixed."
            ) from error
        except TimeoutError:
            raise OperationFailed(
                f"The revaluation was not finished within {timeout_seconds:.0f} seconds. It goes on by itself"
                f" (workflow {REVALUATION_ID}) as long as a worker is running. Run this again to follow it."
            ) from None
    seconds = (datetime.now(UTC) - began).total_seconds()
    return Revaluation(revalued.since or None, revalued.looked_at, revalued.changed, seconds)


async def _start(client: Client, since: date | None) -> WorkflowHandle[object, Revalued]:
    return await client.start_workflow(
        "Revaluation",
        Revalued(since=since.isoformat() if since else ""),
        id=REVALUATION_ID,
        task_queue=SYNC_QUEUE,
        result_type=Revalued,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def _follow(
    handle: WorkflowHandle[object, Revalued], total: int, on_progress: Callable[[SyncSeen], None]
) -> Revalued:
    result = asyncio.ensure_future(handle.result())
    try:
        while not (await asyncio.wait({result}, timeout=POLL_SECONDS))[0]:
            try:
                seen: Revalued = await handle.query("progress", result_type=Revalued)
            except RPCError:
                continue  # no worker answers at the moment; the bar stands still
            on_progress(SyncSeen("Calculating values again.", seen.looked_at, max(total, seen.looked_at)))
        return result.result()
    finally:
        result.cancel()
