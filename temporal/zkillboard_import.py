"""Start, cancel and query a `ZkillboardImport`. Raises as `temporal/handles.py` says."""

from __future__ import annotations

from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair

from contracts.call_classes import PRIORITY_OF, CallClass, character_priority
from contracts.imports import ImportAccount, ImportRunState, ImportStatus, zkillboard_import_id
from contracts.search_attributes import CHARACTER_ID
from contracts.sync import Request
from temporal.handles import ask_status, send_signal, start_or_join


async def start_import(
    client: Client, character_id: int, *, ask_first: bool, reason: str
) -> WorkflowHandle[object, ImportAccount]:
    """Start an import, or join the one that runs.

    Args:
        ask_first: stop after the estimate until `begin` is signalled; a running one that waits goes on waiting.
            False: also tells a running one that waits to begin.
    """
    return await start_or_join(
        client,
        "ZkillboardImport",
        ImportRunState(character_id, ask_first=ask_first),
        workflow_id=zkillboard_import_id(character_id),
        # Not only the start: one that is just ending must hear that it is wanted again.
        signal="estimate" if ask_first else "begin",
        signal_arguments=[Request(reason)],
        priority=character_priority(character_id, PRIORITY_OF[CallClass.IMPORT]),
        found_by=[SearchAttributePair(CHARACTER_ID, character_id)],
        memo={"character_id": character_id},
        result_type=ImportAccount,
    )


async def cancel_import(client: Client, character_id: int, reason: str) -> None:
    """Stop an import; what it has stored stays.

    Raises:
        WorkflowNotRunning: no import of this character runs.
    """
    await send_signal(client, zkillboard_import_id(character_id), "cancel", Request(reason))


async def query_import(client: Client, character_id: int) -> ImportStatus:
    """How the newest import stands, even one that is over.

    Raises:
        WorkflowNotRunning: there never was one, or Temporal has forgotten it.
    """
    return await ask_status(client, zkillboard_import_id(character_id), ImportStatus)
