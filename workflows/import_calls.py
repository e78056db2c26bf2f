"""The activities of a zKillboard import, by name: each with its queue, time-outs, retries and summary."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

from contracts.imports import (
    BegunImport,
    CountedPage,
    CountPage,
    FinishImport,
    ImportAccount,
    ImportedPage,
    ImportPage,
    NoteImport,
)
from contracts.task_queues import BACKFILL_QUEUE, SYNC_QUEUE

HEARTBEAT = timedelta(seconds=5)
"""A page takes a second or two, and may be read again: a dead worker is replaced soon."""
# While another import has the turn the delay is the turn's, a second or two: an hour is a long queue before us, and
# then the workflow says that it waits. zKillboard being away is said sooner (`SOON`).
TURNS = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)
)
SOON = timedelta(minutes=5)
# The need of these is our own database: an outage of an hour is waited for.
OURS = RetryPolicy(maximum_interval=timedelta(minutes=1), maximum_attempts=65)


async def begin_import(character_id: int, priority: Priority) -> BegunImport:
    answer: BegunImport = await workflow.execute_activity(
        "begin_zkillboard_import",
        character_id,
        result_type=BegunImport,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(seconds=45),
        retry_policy=OURS,
        priority=priority,
        summary="begin anew",
    )
    return answer


async def count_page(request: CountPage, priority: Priority) -> CountedPage:
    answer: CountedPage = await workflow.execute_activity(
        "count_zkillboard_page",
        request,
        result_type=CountedPage,
        task_queue=BACKFILL_QUEUE,
        start_to_close_timeout=timedelta(seconds=90),
        schedule_to_close_timeout=SOON,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=TURNS,
        priority=priority,
        summary=f"is there a page {request.page}?",
    )
    return answer


async def import_page(request: ImportPage, priority: Priority) -> ImportedPage:
    position = request.position
    dated = f" of {position.year}-{position.month:02}" if position.year else ""
    answer: ImportedPage = await workflow.execute_activity(
        "import_zkillboard_page",
        request,
        result_type=ImportedPage,
        task_queue=BACKFILL_QUEUE,
        start_to_close_timeout=timedelta(minutes=3),
        schedule_to_close_timeout=SOON * 2,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=TURNS,
        priority=priority,
        summary=f"read page {position.page}{dated}",
    )
    return answer


async def note_import(note: NoteImport, priority: Priority) -> None:
    await workflow.execute_activity(
        "note_zkillboard_import",
        note,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(seconds=45),
        retry_policy=OURS,
        priority=priority,
        summary=f"show the pilot: {note.state}",
    )


async def finish_import(finish: FinishImport, priority: Priority) -> ImportAccount:
    answer: ImportAccount = await workflow.execute_activity(
        "finish_zkillboard_import",
        finish,
        result_type=ImportAccount,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(seconds=90),
        retry_policy=OURS,
        priority=priority,
        summary="put the import on record",
    )
    return answer
