"""Days of the loop in seconds: nothing is lost, nothing grows."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from contracts.sync import LOOKS_PER_RUN, DiscoverKillmails, Discovery, SyncStatus, UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns

CHARACTER = 90000001
DAYS = 3


async def test_days_of_looks_signals_and_continue_as_new(skipping: WorkflowEnvironment, serve: Served) -> None:
    client = skipping.client

    def discover(_: DiscoverKillmails) -> Discovery:
        if len(stand_ins.looks) % 97 == 0:
            return Discovery(listed=3, new=3, run_id=1, killmail_ids=[3, 2, 1])
        return Discovery(listed=3, unchanged=True)

    stand_ins = StandIns(discoveries=discover)
    await serve(client, stand_ins)
    handle = await client.start_workflow(
        "UserSync", UserSyncState(CHARACTER), id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE
    )
    signals = ("sync_now", "force_full_resync", "pause", "token_granted") * 4
    for signal in signals:
        await skipping.sleep(timedelta(hours=4))
        await handle.signal(signal)
        if signal == "pause":
            looks = len(stand_ins.looks)
            await skipping.sleep(timedelta(minutes=40))
            assert len(stand_ins.looks) <= looks + 1, "a look that was under way when the pause came, at most"
            await handle.signal("resume")
    await skipping.sleep(timedelta(days=DAYS) - timedelta(hours=4 * len(signals)))

    status = await handle.query("status", result_type=SyncStatus)
    assert status.cycles >= DAYS * LOOKS_PER_RUN
    assert len([look for look in stand_ins.looks if look.full]) == 4, "each full resync happened, once"
    assert not status.full_requested
    assert not status.sync_requested
    assert status.cycles == len(stand_ins.looks)

    lengths = await run_lengths(client, handle.first_execution_run_id or "")
    assert len(lengths) >= DAYS, "a new run each day"
    assert max(lengths) <= 1500


async def test_a_day_without_anything(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = StandIns()
    await serve(skipping.client, stand_ins)
    handle = await skipping.client.start_workflow(
        "UserSync", UserSyncState(CHARACTER), id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE
    )
    await skipping.sleep(timedelta(days=1))
    status = await handle.query("status", result_type=SyncStatus)
    assert abs(status.cycles - LOOKS_PER_RUN) <= 4, "the jitter evens out"
    # An access token lives 20 minutes and a look comes every 15: every second look needs a new one.
    assert len(stand_ins.tokens) <= 0.55 * status.cycles
    assert stand_ins.recorded == [], "nothing is written for a sync that is well"


async def run_lengths(client: Client, first_run_id: str) -> list[int]:
    """Events of each finished run of the chain, and of the open one."""
    lengths = []
    run_id: str | None = first_run_id
    while run_id:
        handle = client.get_workflow_handle(user_sync_id(CHARACTER), run_id=run_id)
        run_id = None
        events = 0
        async for event in handle.fetch_history_events():
            events += 1
            if event.HasField("workflow_execution_continued_as_new_event_attributes"):
                run_id = event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        lengths.append(events)
    description = await client.get_workflow_handle(user_sync_id(CHARACTER)).describe()
    assert description.status == WorkflowExecutionStatus.RUNNING
    return lengths
