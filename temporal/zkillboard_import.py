"""How the API and the CLI start, cancel and ask `ZkillboardImport`. Not for workflow code.

`RPCError` (temporalio.service) from any of these means that Temporal cannot be reached or refuses.
"""

from __future__ import annotations

from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.imports import ImportAccount, ImportRunState, ImportStatus, zkillboard_import_id
from contracts.search_attributes import CHARACTER_ID
from contracts.sync import Request
from contracts.task_queues import SYNC_QUEUE
from temporal.connection import CALL_TIMEOUT


class ImportNotRunning(Exception):
    """No import of this character is running."""

    def __init__(self, character_id: int) -> None:
        super().__init__(f"No zKillboard import is running for character {character_id}.")
        self.character_id = character_id


async def start_import(
    client: Client, character_id: int, *, ask_first: bool, reason: str
) -> WorkflowHandle[object, ImportAccount]:
    """Start an import, or join the one that runs.

    Args:
        ask_first: stop after the estimate until `begin` is signalled; a running one that waits goes on waiting.
            False: also tells a running one that waits to begin.
    """
    handle = await client.start_workflow(
        "ZkillboardImport",
        ImportRunState(character_id, ask_first=ask_first),
        id=zkillboard_import_id(character_id),
        task_queue=SYNC_QUEUE,
        result_type=ImportAccount,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        # Not only the start: one that is just ending must hear that it is wanted again.
        start_signal="estimate" if ask_first else "begin",
        start_signal_args=[Request(reason)],
        priority=Priority(priority_key=PRIORITY_OF[CallClass.IMPORT], fairness_key=f"character-{character_id}"),
        memo={"character_id": character_id},
        search_attributes=TypedSearchAttributes([SearchAttributePair(CHARACTER_ID, character_id)]),
        rpc_timeout=CALL_TIMEOUT,
    )
    typed: WorkflowHandle[object, ImportAccount] = handle
    return typed


async def cancel_import(client: Client, character_id: int, reason: str) -> None:
    """Stop an import; what it has stored stays.

    Raises:
        ImportNotRunning
    """
    handle = client.get_workflow_handle(zkillboard_import_id(character_id))
    try:
        await handle.signal("cancel", Request(reason), rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, character_id) from error


async def query_import(client: Client, character_id: int) -> ImportStatus:
    """The answer of the `status` query; needs a running worker. Answers for the newest import, even one that is over.

    Raises:
        ImportNotRunning: there never was one, or Temporal has forgotten it.
    """
    handle = client.get_workflow_handle(zkillboard_import_id(character_id))
    try:
        status: ImportStatus = await handle.query("status", result_type=ImportStatus, rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, character_id) from error
    return status


def _explained(error: RPCError, character_id: int) -> Exception:
    return ImportNotRunning(character_id) if error.status == RPCStatusCode.NOT_FOUND else error
