"""Start, signal and query a pilot's `UserSync`.

`RPCError` (temporalio.service) from any of these means that Temporal cannot be reached or refuses.
"""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from contracts.search_attributes import CHARACTER_ID, SYNC_STATE
from contracts.sync import Request, SyncState, SyncStatus, UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from temporal.connection import CALL_TIMEOUT


class WorkflowNotRunning(Exception):
    """The character has no running `UserSync`: it never logged in, or the watchdog has not restored it yet."""

    def __init__(self, character_id: int) -> None:
        super().__init__(f"No sync is running for character {character_id}.")
        self.character_id = character_id


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


def _explained(error: RPCError, character_id: int) -> Exception:
    return WorkflowNotRunning(character_id) if error.status == RPCStatusCode.NOT_FOUND else error
