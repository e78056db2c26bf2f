"""What operators say, with the real `temporal` program against a real server, and what comes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import DescribeBatchOperationRequest, ListBatchOperationsRequest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError

from api.orders import requests
from contracts.sync import Discovery, SyncState, SyncStatus, UserSyncState, user_sync_id
from sandbox.programs import TEMPORAL
from temporal.batch_signals import RUNNING, start_signal_for_all
from temporal.user_sync import signal_user_sync, start_or_wake, start_user_sync
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns
from tests.workflows.waiting import CHARACTER, eventually, ok, until

Cli = Callable[..., Awaitable[str]]


@pytest.fixture
def cli(temporal_address: str) -> Cli:
    async def run(*words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            str(TEMPORAL),
            "workflow",
            *words,
            "--address",
            temporal_address,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        return out.decode()

    return run


async def test_every_signal_works_bare_from_the_temporal_program(
    temporal_client: Client, serve: Served, cli: Cli
) -> None:
    stand_ins = StandIns()
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, lambda s: ok(s) and s.cycles == 1)

    async def signal(name: str) -> None:
        await cli("signal", "-w", user_sync_id(CHARACTER), "--name", name)

    await signal("sync_now")
    await until(temporal_client, lambda s: ok(s) and s.cycles == 2)
    await signal("pause")
    await until(temporal_client, lambda s: s.state == SyncState.PAUSED and s.paused)
    await signal("force_full_resync")
    await until(temporal_client, lambda s: s.full_requested and s.cycles == 2)
    await signal("resume")
    status = await until(temporal_client, lambda s: ok(s) and s.cycles == 3)
    assert status.last_full_sync_at is not None
    assert not status.full_requested
    await signal("force_full_resync")
    await until(temporal_client, lambda s: ok(s) and s.cycles == 4)
    await signal("token_granted")
    await until(temporal_client, lambda s: ok(s) and s.cycles == 5)

    assert [look.full for look in stand_ins.looks] == [False, False, True, True, False]
    assert stand_ins.recorded_states == [SyncState.PAUSED], "the page shows the pause"
    assert stand_ins.priorities == [1, 1, 1, 1, 1], "a person waits for each of these"
    answer = await cli("query", "-w", user_sync_id(CHARACTER), "--type", "status", "-o", "json")
    shown = json.loads(answer)["queryResult"][0]
    assert shown["message"].startswith("Up to date; next check at ")


async def test_a_batch_signal_reaches_all_who_match(temporal_client: Client, serve: Served, cli: Cli) -> None:
    stand_ins = StandIns()
    await serve(temporal_client, stand_ins)
    for number in range(3):
        await start_or_wake(temporal_client, CHARACTER + number, 900)

    async def are_well() -> bool:
        return (await temporal_client.count_workflows('SyncState="ok"')).count == 3

    await eventually(are_well)
    query = 'WorkflowType="UserSync" AND ExecutionStatus="Running" AND SyncState="ok"'
    await cli("signal", "--query", query, "--name", "force_full_resync", "--reason", "a test", "--yes", "--rps", "20")

    async def are_told() -> bool:
        return len({look.character_id for look in stand_ins.looks if look.full}) == 3

    await eventually(are_told)


async def test_an_order_to_all_waits_for_the_one_before_or_says_so(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilots = range(CHARACTER, CHARACTER + 150)
    await asyncio.gather(*(start_or_wake(temporal_client, pilot, 900) for pilot in pilots))

    async def are_counted() -> bool:
        return (await temporal_client.count_workflows(RUNNING)).count == len(pilots)

    await eventually(are_counted)
    before = await start_signal_for_all(temporal_client, "pause", "a test", patience_seconds=0)
    assert before
    service, namespace = temporal_client.workflow_service, temporal_client.namespace

    async def is_listed() -> bool:
        return bool(
            (await service.list_batch_operations(ListBatchOperationsRequest(namespace=namespace))).operation_info
        )

    await eventually(is_listed)
    monkeypatch.setattr(requests, "BATCH_PATIENCE_SECONDS", 0)
    refusal = await requests.SyncRequests(temporal_client, 900).signal_all("resume", "too soon")
    assert isinstance(refusal, requests.Refusal)
    assert refusal.message.startswith("Temporal is still busy with the last order to everyone")

    assert await start_signal_for_all(temporal_client, "resume", "in time", patience_seconds=60)
    done = await service.describe_batch_operation(DescribeBatchOperationRequest(namespace=namespace, job_id=before))
    assert (done.complete_operation_count, done.failure_operation_count) == (len(pilots), 0)


async def test_sync_now_and_wait_answers_when_it_is_done_and_refuses_while_paused(
    temporal_client: Client, serve: Served, cli: Cli
) -> None:
    await serve(temporal_client, StandIns())
    await start_or_wake(temporal_client, CHARACTER, 900)
    before = await until(temporal_client, ok)
    handle: WorkflowHandle[Any, Any] = temporal_client.get_workflow_handle(user_sync_id(CHARACTER))
    answer = await handle.execute_update("sync_now_and_wait", result_type=SyncStatus)
    assert answer.cycles > before.cycles
    assert answer.state == SyncState.OK
    await cli("update", "execute", "-w", user_sync_id(CHARACTER), "--name", "sync_now_and_wait")

    await signal_user_sync(temporal_client, CHARACTER, "pause", "a test")
    await until(temporal_client, lambda s: s.paused)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update("sync_now_and_wait", result_type=SyncStatus)
    assert "Paused" in str(refused.value.cause)
    accepted = [
        event
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    ]
    assert len(accepted) == 2, "a refusal leaves no trace"


async def test_a_manual_look_at_a_fresh_list_comes_back_when_it_expires(temporal_client: Client, serve: Served) -> None:
    fresh_until = datetime.now(UTC) + timedelta(seconds=200)
    stand_ins = StandIns(discoveries=lambda _: Discovery(asked=len(stand_ins.looks) == 1, fresh_until=fresh_until))
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, ok)
    await signal_user_sync(temporal_client, CHARACTER, "force_full_resync")
    status = await until(temporal_client, lambda s: s.cycles == 2)
    assert status.next_sync_at is not None
    assert timedelta(0) < status.next_sync_at - fresh_until < timedelta(seconds=5)
    assert status.full_requested, "the full look is still to come"


async def test_a_big_first_sync_is_fetched_in_batches_and_named_as_it_arrives(
    temporal_client: Client, serve: Served
) -> None:
    ids = list(range(1000, 0, -1))
    stand_ins = StandIns(discoveries=lambda _: Discovery(listed=1000, new=1000, run_id=7, killmail_ids=ids))
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, ok)
    assert sorted(chain.from_iterable(stand_ins.fetched)) == sorted(ids)
    assert set(stand_ins.fetched[0]) < set(ids[:400]), "the newest come first, several batches at a time"
    assert sorted(chain.from_iterable(stand_ins.named)) == sorted(ids)
    assert len(stand_ins.named) < 20, "names are asked for in fewer, bigger lots than bodies"
    [finished] = stand_ins.finished
    assert (finished.run_id, finished.interrupted) == (7, False)
    handle = temporal_client.get_workflow_handle(user_sync_id(CHARACTER))
    description = await handle.describe()
    assert description.history_length < 400
    assert description.typed_search_attributes

    async def found() -> bool:  # its visibility comes a moment later than its history
        count = await temporal_client.count_workflows(f"LastNewKillmailAt IS NOT NULL AND CharacterId={CHARACTER}")
        return count.count == 1

    await eventually(found)


async def test_a_restored_workflow_keeps_its_pause(temporal_client: Client, serve: Served) -> None:
    stand_ins = StandIns()
    await serve(temporal_client, stand_ins)
    state = UserSyncState(CHARACTER, paused=True, recorded_state=SyncState.PAUSED)
    await start_user_sync(temporal_client, state, start_signal="token_granted", reason="watchdog")
    await until(temporal_client, lambda s: s.state == SyncState.PAUSED)
    assert stand_ins.looks == []


async def test_the_details_are_readable_in_temporals_ui(temporal_client: Client, serve: Served, cli: Cli) -> None:
    await serve(temporal_client, StandIns(discoveries=lambda _: Discovery(listed=1234)))
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, ok)
    metadata = await cli("metadata", "-w", user_sync_id(CHARACTER))
    assert "Up to date;" in metadata
    assert "1,234 listed" in metadata
