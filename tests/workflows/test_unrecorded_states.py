"""The database is away when a sync has to say why it does nothing: it says so once the database is back."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from contracts.corporations import CorporationSyncState, corporation_sync_id
from contracts.sync import FailureType, SyncState, UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.workflows.conftest import Served
from tests.workflows.scripted import Scripted
from tests.workflows.stand_ins import StandIns, failure
from tests.workflows.waiting import CHARACTER, CORPORATION, eventually, ok, until

INTERVAL = timedelta(minutes=15)


async def test_a_pause_is_recorded_after_an_outage_of_hours_and_then_never_again(
    skipping: WorkflowEnvironment, serve: Served
) -> None:
    away = True
    stand_ins = StandIns(recording=lambda _: failure(FailureType.INFRASTRUCTURE) if away else None)
    await serve(skipping.client, stand_ins)
    state = UserSyncState(CHARACTER, first_sync_done=True, state=SyncState.OK, recorded_state=SyncState.OK, paused=True)
    await skipping.client.start_workflow("UserSync", state, id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE)
    await skipping.sleep(timedelta(minutes=2))
    assert len(stand_ins.recorded) >= 2, "soon at first"
    await skipping.sleep(timedelta(hours=4))
    assert 16 <= len(stand_ins.recorded) <= 26, "once an interval in the long run: everybody may be paused"

    away = False
    await skipping.sleep(INTERVAL)
    tries = len(stand_ins.recorded)
    await skipping.sleep(timedelta(days=1))
    assert len(stand_ins.recorded) == tries
    assert set(stand_ins.recorded_states) == {SyncState.PAUSED}
    assert stand_ins.looks == []


async def test_a_corporations_pause_is_recorded_when_the_database_is_back(
    skipping: WorkflowEnvironment, serve: Served
) -> None:
    stand_ins = Scripted()
    stand_ins.answers["record_corporation_state"] = [failure(FailureType.INFRASTRUCTURE)] * 2
    await serve(skipping.client, stand_ins)
    state = CorporationSyncState(CORPORATION, first_sync_done=True, state=SyncState.OK, paused=True)
    workflow_id = corporation_sync_id(CORPORATION)
    await skipping.client.start_workflow("CorporationSync", state, id=workflow_id, task_queue=SYNC_QUEUE)
    await skipping.sleep(timedelta(days=1))
    assert stand_ins.asked == ["record_corporation_state"] * 3


async def test_a_pause_that_is_not_recorded_yet_can_be_ended(temporal_client: Client, serve: Served) -> None:
    stand_ins = StandIns(recording=lambda _: failure(FailureType.INFRASTRUCTURE))
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, ok)
    await signal_user_sync(temporal_client, CHARACTER, "pause")

    async def could_not_be_recorded() -> bool:
        return bool(stand_ins.recorded)

    await eventually(could_not_be_recorded)
    await signal_user_sync(temporal_client, CHARACTER, "resume")
    await until(temporal_client, lambda s: ok(s) and s.cycles == 2)
