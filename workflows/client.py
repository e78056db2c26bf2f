"""How the API, the CLI and the watchdog speak to the workflows. Not for workflow code.

`RPCError` (temporalio.service) from any of these means that Temporal cannot be reached or refuses.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from contracts.search_attributes import CHARACTER_ID, CORPORATION_ID, LAST_NEW_KILLMAIL_AT, SYNC_STATE
from contracts.sync import Request, SyncState, SyncStatus, UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from contracts.upkeep import WATCHDOG_EVERY, WATCHDOG_ID
from settings import Settings
from workflows.schedules import DAILY

CALL_TIMEOUT = timedelta(seconds=10)
"""A person is waiting: rather a clear refusal than a long silence."""
INDEXED = {
    SYNC_STATE.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    CHARACTER_ID.name: IndexedValueType.INDEXED_VALUE_TYPE_INT,
    CORPORATION_ID.name: IndexedValueType.INDEXED_VALUE_TYPE_INT,
    LAST_NEW_KILLMAIL_AT.name: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


class WorkflowNotRunning(Exception):
    """The character has no running `UserSync`: it never logged in, or the watchdog has not restored it yet."""

    def __init__(self, character_id: int) -> None:
        super().__init__(f"No sync is running for character {character_id}.")
        self.character_id = character_id


async def connect_temporal(settings: Settings, *, lazy: bool = False, runtime: Runtime | None = None) -> Client:
    """A client for the configured server. `TEMPORAL_*` beyond Settings (TLS, API key, …) are heeded too.

    Args:
        lazy: connect at the first call instead of now.

    Raises:
        RuntimeError: the server cannot be reached (not when lazy).
    """
    config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    for option, name in (("target_host", "temporal_address"), ("namespace", "temporal_namespace")):
        if name in settings.model_fields_set or option not in config:
            config[option] = getattr(settings, name)
    return await Client.connect(**config, lazy=lazy, runtime=runtime)


async def start_or_wake(client: Client, character_id: int, sync_interval_seconds: int) -> None:
    """A login: start the character's `UserSync`, or tell the running one that there is a new token."""
    await start_user_sync(
        client, UserSyncState(character_id, sync_interval_seconds), start_signal="token_granted", reason="login"
    )


async def start_user_sync(client: Client, state: UserSyncState, *, start_signal: str, reason: str) -> None:
    """Start a `UserSync` from `state`; a running one keeps its own state. Either gets the signal."""
    character_id = state.character_id
    await client.start_workflow(
        "UserSync",
        state,
        id=user_sync_id(character_id),
        task_queue=SYNC_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal=start_signal,
        start_signal_args=[Request(reason)],
        priority=Priority(priority_key=1, fairness_key=f"character-{character_id}"),
        memo={"character_id": character_id},
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SYNC_STATE, str(SyncState.STARTING)),
                SearchAttributePair(CHARACTER_ID, character_id),
            ]
        ),
        rpc_timeout=CALL_TIMEOUT,
    )


async def signal_user_sync(
    client: Client, character_id: int, signal: str, reason: str = "", *, at_next_look: bool = False
) -> None:
    """Send one of the signals of `UserSync`.

    Args:
        at_next_look: of `force_full_resync`: not now, but when the next look is due anyway.

    Raises:
        WorkflowNotRunning: there is nobody to hear it.
    """
    handle = client.get_workflow_handle(user_sync_id(character_id))
    try:
        await handle.signal(signal, Request(reason, at_next_look), rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, character_id) from error


async def query_status(client: Client, character_id: int) -> SyncStatus:
    """The answer of the `status` query; needs a running worker.

    Raises:
        WorkflowNotRunning: the character has no workflow.
    """
    handle = client.get_workflow_handle(user_sync_id(character_id))
    try:
        status: SyncStatus = await handle.query("status", result_type=SyncStatus, rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, character_id) from error
    return status


async def prepare_temporal(client: Client) -> list[str]:
    """Register what must be there before a worker starts; says what was done, nothing if all was there."""
    done: list[str] = []
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: kind for name, kind in INDEXED.items() if name not in listed.custom_attributes}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
        done.append(f"Registered the search attributes {', '.join(sorted(missing))}.")
    if await _make_schedule(client, WATCHDOG_ID, watchdog_schedule()):
        done.append(f"Made the schedule {WATCHDOG_ID}: every {WATCHDOG_EVERY.total_seconds() / 60:.0f} minutes.")
    made = [work for work in DAILY if await _make_schedule(client, work.schedule_id, work.schedule)]
    return done + [f"Made the schedule {work.schedule_id}: {work}." for work in made]


async def trigger_watchdog(client: Client) -> bool:
    """Run the watchdog now; False if its schedule was never made (`killreport migrate`)."""
    return await trigger_schedule(client, WATCHDOG_ID)


async def trigger_schedule(client: Client, schedule_id: str) -> bool:
    """Run a schedule's workflow now; False if the schedule was never made (`killreport migrate`)."""
    try:
        await client.get_schedule_handle(schedule_id).trigger(overlap=ScheduleOverlapPolicy.SKIP)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


def watchdog_schedule() -> Schedule:
    """Runs that were missed while Temporal was away are not made up for: one run sees all there is."""
    return Schedule(
        action=ScheduleActionStartWorkflow("Watchdog", id=WATCHDOG_ID, task_queue=SYNC_QUEUE),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=WATCHDOG_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=WATCHDOG_EVERY),
    )


async def _make_schedule(client: Client, schedule_id: str, schedule: Schedule) -> bool:
    try:
        await client.create_schedule(schedule_id, schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True


def _explained(error: RPCError, character_id: int) -> Exception:
    return WorkflowNotRunning(character_id) if error.status == RPCStatusCode.NOT_FOUND else error
