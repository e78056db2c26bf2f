"""A worker that is late keeps what it remembers: its tasks are not given up, which would make it later still."""

from __future__ import annotations

import asyncpg
import pytest
from temporalio.api.enums.v1 import EventType, PendingWorkflowTaskState
from temporalio.client import Client

import worker_main
from contracts.sync import user_sync_id
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.user_sync import start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in
from tests.workflows.waiting import eventually, ok, until

LIST = "/characters/{character_id}/killmails/recent"
LATE_SECONDS = 6.5
"""Longer than tasks wait where few look, shorter than a look within a task may take (7 s)."""


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, list_cache_seconds=0.1, window_seconds=2, first_killmails=5)


def test_where_many_look_tasks_wait_longer() -> None:
    waits = [worker_main.patience(looks).total_seconds() for looks in (0, 0.1, 20, 70, 1000)]
    assert waits == [5, 5, 20, 60, 60]


async def test_a_task_waits_for_the_worker_that_remembers_its_workflow(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    start_worker: StartWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_main, "LOOKS_AT_ONCE", 1)
    monkeypatch.setattr(worker_main, "PATIENCE_SECONDS", (20.0, 20.0))  # as if 20 looked each second
    slow, waiting = (pilot.character_id for pilot in eve.pilots[:2])
    for pilot, interval in ((waiting, 900), (slow, 2)):
        await log_in(settings, pool, pilot)
        await start_or_wake(client, pilot, interval)
    await start_worker()
    await until(client, ok, waiting)
    await until(client, lambda status: status.cycles >= 3, slow)  # its looks are usual ones now
    fault = eve.add_fault("latency", route=LIST, seconds=LATE_SECONDS, count=1)
    looking = client.get_workflow_handle(user_sync_id(slow))

    async def the_only_slot_is_taken() -> bool:
        if fault.count:
            return False
        described = (await looking.describe()).raw_description
        assert not described.pending_activities, "the look is not within its task"
        return described.pending_workflow_task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED

    await eventually(the_only_slot_is_taken)
    handle = client.get_workflow_handle(user_sync_id(waiting))
    await handle.signal("pause")

    async def is_paused() -> bool:
        return bool(await pool.fetchval("SELECT sync_state = 'paused' FROM users WHERE character_id = $1", waiting))

    await eventually(is_paused)
    events = (await handle.fetch_history()).events
    given_up = [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT]
    assert given_up == []
    *_, signalled = (event for event in events if event.HasField("workflow_execution_signaled_event_attributes"))
    served = next(
        event
        for event in events
        if event.event_id > signalled.event_id and event.HasField("workflow_task_started_event_attributes")
    )
    waited = served.event_time.ToDatetime() - signalled.event_time.ToDatetime()
    assert waited.total_seconds() > 5, "it had to wait"
