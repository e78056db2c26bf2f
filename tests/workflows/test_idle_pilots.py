"""Pilots without new killmails are looked at less often where the setting says so, until something happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from contracts.sync import Discovery, SyncState, UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from temporal.user_sync import query_status, signal_user_sync
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns
from tests.workflows.waiting import CHARACTER, ok, until


@pytest.mark.parametrize(("quiet_days", "at_most", "at_least"), [(8, 26, 22), (40, 6, 3), (200, 2, 1)])
async def test_the_looks_of_a_day(
    skipping: WorkflowEnvironment, serve: Served, quiet_days: int, at_most: int, at_least: int
) -> None:
    stand_ins = StandIns(discoveries=lambda _: Discovery(unchanged=True, idle_pilots=True))
    await serve(skipping.client, stand_ins)
    now = await skipping.get_current_time()
    state = UserSyncState(
        CHARACTER,
        first_sync_done=True,
        state=SyncState.OK,
        last_new_killmail_at=now - timedelta(days=quiet_days),
        idle_pilots=True,
    )
    await skipping.client.start_workflow("UserSync", state, id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE)
    await until(skipping.client, lambda s: ok(s) and s.cycles == 1)
    await skipping.sleep(timedelta(days=1))
    assert at_least <= len(stand_ins.looks) <= at_most + 1
    status = await query_status(skipping.client, CHARACTER)
    assert "as long as no new killmails arrive" in status.message
    assert status.until is not None

    # The watchdog missed a look: that is nobody's wish.
    await signal_user_sync(skipping.client, CHARACTER, "sync_now", keeps_pace=True)
    before = status.cycles
    status = await until(skipping.client, lambda s: ok(s) and s.cycles == before + 1)
    assert "as long as no new killmails arrive" in status.message

    # Somebody asks: the usual pace for a week.
    await signal_user_sync(skipping.client, CHARACTER, "sync_now")
    before = status.cycles
    status = await until(skipping.client, lambda s: ok(s) and s.cycles == before + 1)
    assert "no new killmail" not in status.message
    looks = len(stand_ins.looks)
    await skipping.sleep(timedelta(hours=3))
    assert len(stand_ins.looks) - looks >= 11


async def test_a_longer_interval_is_kept_for_idle_pilots_too(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = StandIns(discoveries=lambda _: Discovery(unchanged=True, idle_pilots=True))
    await serve(skipping.client, stand_ins)
    quiet = await skipping.get_current_time() - timedelta(days=8)
    state = UserSyncState(CHARACTER, 7200, first_sync_done=True, last_new_killmail_at=quiet, idle_pilots=True)
    await skipping.client.start_workflow("UserSync", state, id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE)
    await until(skipping.client, lambda s: ok(s) and s.cycles == 1)
    await skipping.sleep(timedelta(days=1))
    assert 11 <= len(stand_ins.looks) <= 14
    assert (await query_status(skipping.client, CHARACTER)).message.startswith("Up to date; next check at ")


async def test_a_new_killmail_brings_the_usual_pace_back(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = StandIns(
        discoveries=lambda _: (
            Discovery(idle_pilots=True, listed=1, new=1, run_id=1, killmail_ids=[1])
            if len(stand_ins.looks) == 1
            else Discovery(unchanged=True, idle_pilots=True)
        )
    )
    await serve(skipping.client, stand_ins)
    now = await skipping.get_current_time()
    stand_ins.newest_killmail_at = now
    quiet = now - timedelta(days=200)
    state = UserSyncState(CHARACTER, first_sync_done=True, last_new_killmail_at=quiet, idle_pilots=True)
    await skipping.client.start_workflow("UserSync", state, id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE)
    await until(skipping.client, lambda s: ok(s) and s.cycles == 1)
    await skipping.sleep(timedelta(hours=1))
    assert len(stand_ins.looks) >= 4


async def test_without_the_setting_silence_changes_nothing(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = StandIns()
    await serve(skipping.client, stand_ins)
    quiet = await skipping.get_current_time() - timedelta(days=200)
    # The setting was on when this sync began, and was switched off since.
    state = UserSyncState(CHARACTER, first_sync_done=True, last_new_killmail_at=quiet, idle_pilots=True)
    await skipping.client.start_workflow("UserSync", state, id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE)
    await until(skipping.client, lambda s: ok(s) and s.cycles == 1)
    await skipping.sleep(timedelta(hours=3))
    assert len(stand_ins.looks) >= 10
