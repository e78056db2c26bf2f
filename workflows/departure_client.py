"""How the API and the watchdog start a `Departure`. Not for workflow code."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy

from workflows.client import CALL_TIMEOUT
from workflows.contracts import SYNC_QUEUE
from workflows.departure_contracts import LeavingCharacter, departure_id
from workflows.search_attributes import CHARACTER_ID


async def start_departure(client: Client, character_id: int) -> None:
    """Start it; one that runs already does all there is to do.

    Raises:
        RPCError (temporalio.service): Temporal cannot be reached or refuses.
    """
    await client.start_workflow(
        "Departure",
        LeavingCharacter(character_id),
        id=departure_id(character_id),
        task_queue=SYNC_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        memo={"character_id": character_id},
        search_attributes=TypedSearchAttributes([SearchAttributePair(CHARACTER_ID, character_id)]),
        rpc_timeout=CALL_TIMEOUT,
    )
