"""How the API and the watchdog start a `Departure`. Not for workflow code."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy

from contracts.search_attributes import CHARACTER_ID
from contracts.task_queues import SYNC_QUEUE
from contracts.upkeep import LeavingCharacter, departure_id
from temporal.connection import CALL_TIMEOUT


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
