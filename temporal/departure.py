"""Start a `Departure`, and ask Temporal who left. Raises as `temporal/handles.py` says."""

from __future__ import annotations

from datetime import datetime

from temporalio.client import Client
from temporalio.common import SearchAttributePair

from contracts.search_attributes import CHARACTER_ID
from contracts.upkeep import LeavingCharacter, departure_id
from temporal.handles import start_or_join


async def start_departure(client: Client, character_id: int) -> None:
    """Start it; one that runs already does all there is to do."""
    await start_or_join(
        client,
        "Departure",
        LeavingCharacter(character_id),
        workflow_id=departure_id(character_id),
        found_by=[SearchAttributePair(CHARACTER_ID, character_id)],
        memo={"character_id": character_id},
    )


async def departures_remembered(client: Client) -> dict[int, datetime]:
    """Characters that left, and when last (UTC), for as long as Temporal keeps workflows that have ended.

    It is the one witness outside of Postgres: a database restored from a backup has forgotten who left since.
    """
    left: dict[int, datetime] = {}
    async for workflow in client.list_workflows('WorkflowType="Departure"', page_size=1000):
        character_id = workflow.typed_search_attributes.get(CHARACTER_ID)
        if character_id is not None:
            left[character_id] = max(workflow.start_time, left.get(character_id, workflow.start_time))
    return left
