"""How the API, the CLI and the watchdog speak to `CorporationSync`. Not for workflow code.

`RPCError` (temporalio.service) from any of these means that Temporal cannot be reached or refuses.
"""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.corporations import NPC_CORPORATION_IDS, CorporationSyncState, corporation_sync_id
from contracts.search_attributes import CORPORATION_ID, SYNC_STATE
from contracts.sync import Request, SyncState, SyncStatus
from contracts.task_queues import SYNC_QUEUE
from temporal.connection import CALL_TIMEOUT
from temporal.user_sync import WorkflowNotRunning


class CorporationNotRunning(WorkflowNotRunning):
    """The corporation has no running `CorporationSync`: it is not followed, or the watchdog has not restored it yet."""

    def __init__(self, corporation_id: int) -> None:
        Exception.__init__(self, f"No sync is running for corporation {corporation_id}.")
        self.corporation_id = corporation_id


async def start_or_wake_corporation(client: Client, corporation_id: int, sync_interval_seconds: int) -> None:
    """A director's permission came (or went): start the corporation's sync, or tell the running one."""
    await start_corporation_sync(client, CorporationSyncState(corporation_id, sync_interval_seconds), reason="director")


async def start_corporation_sync(client: Client, state: CorporationSyncState, *, reason: str) -> None:
    """Start a `CorporationSync` from `state`; a running one keeps its own. Either gets `director_granted`.

    Raises:
        ValueError: the corporation is the game's own.
    """
    corporation_id = state.corporation_id
    if corporation_id in NPC_CORPORATION_IDS:
        raise ValueError(f"{corporation_id} is one of the game's own corporations.")
    await client.start_workflow(
        "CorporationSync",
        state,
        id=corporation_sync_id(corporation_id),
        task_queue=SYNC_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="director_granted",
        start_signal_args=[Request(reason)],
        priority=Priority(priority_key=PRIORITY_OF[CallClass.BACKFILL], fairness_key=f"corporation-{corporation_id}"),
        memo={"corporation_id": corporation_id},
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SYNC_STATE, str(SyncState.STARTING)),
                SearchAttributePair(CORPORATION_ID, corporation_id),
            ]
        ),
        rpc_timeout=CALL_TIMEOUT,
    )


async def signal_corporation_sync(
    client: Client, corporation_id: int, signal: str, reason: str = "", *, at_next_look: bool = False
) -> None:
    """Send one of the signals of `CorporationSync`; `at_next_look` as in `signal_user_sync`.

    Raises:
        CorporationNotRunning: there is nobody to hear it.
    """
    handle = client.get_workflow_handle(corporation_sync_id(corporation_id))
    try:
        await handle.signal(signal, Request(reason, at_next_look), rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, corporation_id) from error


async def query_corporation_status(client: Client, corporation_id: int) -> SyncStatus:
    """The answer of the `status` query; needs a running worker.

    Raises:
        CorporationNotRunning: the corporation has no workflow.
    """
    handle = client.get_workflow_handle(corporation_sync_id(corporation_id))
    try:
        status: SyncStatus = await handle.query("status", result_type=SyncStatus, rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, corporation_id) from error
    return status


def _explained(error: RPCError, corporation_id: int) -> Exception:
    return CorporationNotRunning(corporation_id) if error.status == RPCStatusCode.NOT_FOUND else error
