"""Start a `Departure`. Raises as `temporal/handles.py` says."""

from __future__ import annotations

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
