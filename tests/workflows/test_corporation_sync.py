"""What a corporation's sync does when its directors come and go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, WorkflowUpdateHandle, WorkflowUpdateStage

from contracts.corporations import corporation_sync_id
from contracts.sync import Discovery, FailureType, SyncState, SyncStatus
from temporal.corporation_sync import start_or_wake_corporation
from tests.workflows.conftest import Served
from tests.workflows.scripted import Scripted
from tests.workflows.stand_ins import failure
from tests.workflows.waiting import CORPORATION, SECONDS, after, eventually, ok, until_corporation

DISCOVER = "discover_corporation_killmails"


@pytest.fixture
async def stand_ins(temporal_client: Client, serve: Served) -> Scripted:
    """They serve from the beginning; each test says what they answer."""
    scripted = Scripted()
    await serve(temporal_client, scripted)
    return scripted


async def test_a_director_who_comes_while_the_list_is_fresh_is_asked_when_that_is_over(
    temporal_client: Client, stand_ins: Scripted
) -> None:
    fresh_until = datetime.now(UTC) + timedelta(seconds=200)
    stand_ins.answers[DISCOVER] = [Discovery(fresh_until=fresh_until), Discovery(asked=False, fresh_until=fresh_until)]
    await start_or_wake_corporation(temporal_client, CORPORATION, 900)
    await until_corporation(temporal_client, ok)
    await start_or_wake_corporation(temporal_client, CORPORATION, 900)  # another one follows it
    status = await until_corporation(temporal_client, after(2))
    assert status.next_sync_at is not None
    assert timedelta(0) < status.next_sync_at - fresh_until < timedelta(seconds=5)


async def asked_during_the_last_look(client: Client, stand_ins: Scripted) -> WorkflowUpdateHandle[SyncStatus]:
    """A second look, which will find nobody left, is under way and somebody waits for a third."""
    stand_ins.answers[DISCOVER] = [Discovery(), failure(FailureType.REMOVED)]
    await start_or_wake_corporation(client, CORPORATION, 900)
    await until_corporation(client, ok)
    stand_ins.held[DISCOVER] = asyncio.Event()
    handle = client.get_workflow_handle(corporation_sync_id(CORPORATION))
    await handle.signal("sync_now")

    async def looking() -> bool:
        return stand_ins.asked.count(DISCOVER) == 2

    await eventually(looking)
    return await handle.start_update(
        "sync_now_and_wait", wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=SyncStatus
    )


async def test_whoever_waits_during_the_last_look_is_told_that_it_was(
    temporal_client: Client, stand_ins: Scripted
) -> None:
    update = await asked_during_the_last_look(temporal_client, stand_ins)
    stand_ins.held[DISCOVER].set()
    status = await asyncio.wait_for(update.result(), SECONDS)
    assert status.state == SyncState.REMOVED
    await asyncio.wait_for(temporal_client.get_workflow_handle(corporation_sync_id(CORPORATION)).result(), SECONDS)
    assert stand_ins.asked.count(DISCOVER) == 2


async def test_a_director_who_comes_during_the_last_look_is_asked(temporal_client: Client, stand_ins: Scripted) -> None:
    update = await asked_during_the_last_look(temporal_client, stand_ins)
    await start_or_wake_corporation(temporal_client, CORPORATION, 900)
    stand_ins.held[DISCOVER].set()
    status = await asyncio.wait_for(update.result(), SECONDS)
    assert ok(status)
    assert ok(await until_corporation(temporal_client, after(3)))
    assert stand_ins.asked.count(DISCOVER) == 3
