"""Calendar work as Temporal runs it, and the signal that waits for the next look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.workflow._definition import _Definition

from contracts.sync import UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from contracts.upkeep import FullSyncsAsked, Housekept
from temporal import schedules
from temporal.schedules import prepare_temporal
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns
from tests.workflows.strict import strict_runner
from tests.workflows.waiting import CHARACTER, ok, until
from worker_main import WORKFLOWS
from workflows.upkeep import BATCHES, DailyFullSync, Housekeeping

EVERY_SCHEDULE = schedules.DAILY
"""A test's namespace has only some of them (`tests/fixtures/services.py`)."""


async def test_full_syncs_are_asked_for_and_what_is_old_is_deleted_in_batches(temporal_client: Client) -> None:
    batches = [Housekept(sync_runs=5000, done=False), Housekept(sync_runs=7, sessions=2)]

    @activity.defn
    async def ask_for_full_syncs() -> FullSyncsAsked:
        return FullSyncsAsked(due=3, asked=2)

    @activity.defn
    async def delete_what_is_old() -> Housekept:
        return batches.pop(0)

    async with Worker(
        temporal_client,
        task_queue=SYNC_QUEUE,
        workflows=[DailyFullSync, Housekeeping],
        activities=[ask_for_full_syncs, delete_what_is_old],
        workflow_runner=strict_runner(),
    ):
        asked = await temporal_client.execute_workflow(
            "DailyFullSync", id="one", task_queue=SYNC_QUEUE, result_type=FullSyncsAsked
        )
        kept = await temporal_client.execute_workflow(
            "Housekeeping", id="two", task_queue=SYNC_QUEUE, result_type=Housekept
        )
    assert asked == FullSyncsAsked(due=3, asked=2)
    assert kept == Housekept(sync_runs=5007, sessions=2, done=True)


async def test_every_schedule_is_made_and_made_once(temporal_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "DAILY", EVERY_SCHEDULE)
    assert len(await prepare_temporal(temporal_client)) == 1 + len(EVERY_SCHEDULE)
    assert await prepare_temporal(temporal_client) == []
    for work in EVERY_SCHEDULE:
        action = (await temporal_client.get_schedule_handle(work.schedule_id).describe()).schedule.action
        assert isinstance(action, ScheduleActionStartWorkflow)
        assert (action.workflow, action.id, action.task_queue) == (work.workflow, work.schedule_id, SYNC_QUEUE)
    served = {_Definition.must_from_class(workflow).name for workflow in WORKFLOWS}
    assert {work.workflow for work in EVERY_SCHEDULE} <= served


async def test_housekeeping_ends_even_if_there_is_always_more(temporal_client: Client) -> None:
    rounds = 0

    @activity.defn
    async def delete_what_is_old() -> Housekept:
        nonlocal rounds
        rounds += 1
        return Housekept(login_events=1, done=False)

    async with Worker(
        temporal_client,
        task_queue=SYNC_QUEUE,
        workflows=[Housekeeping],
        activities=[delete_what_is_old],
        workflow_runner=strict_runner(),
    ):
        kept = await temporal_client.execute_workflow(
            "Housekeeping", id="one", task_queue=SYNC_QUEUE, result_type=Housekept
        )
    assert (rounds, kept.login_events, kept.done) == (BATCHES, BATCHES, False)


async def test_a_full_sync_of_the_day_costs_no_look_of_its_own(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = StandIns()
    await serve(skipping.client, stand_ins)
    state = UserSyncState(CHARACTER, first_sync_done=True)
    await skipping.client.start_workflow("UserSync", state, id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE)
    await until(skipping.client, lambda s: ok(s) and s.cycles == 1)
    for _ in range(3):
        await signal_user_sync(skipping.client, CHARACTER, "force_full_resync", "daily full sync", at_next_look=True)
    status = await until(skipping.client, lambda s: s.full_requested)
    assert (status.cycles, status.sync_requested) == (1, False)
    await skipping.sleep(timedelta(minutes=40))
    status = await until(skipping.client, lambda s: not s.full_requested)
    assert [look.full for look in stand_ins.looks][:3] == [False, True, False]


async def test_an_operators_full_resync_comes_at_once(temporal_client: Client, serve: Served) -> None:
    stand_ins = StandIns()
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, ok)
    await temporal_client.get_workflow_handle(user_sync_id(CHARACTER)).signal("force_full_resync")
    await until(temporal_client, lambda s: ok(s) and s.cycles == 2)
    assert stand_ins.looks[-1].full
