"""Start, signal and query a `CorporationSync`. Raises as `temporal/handles.py` says."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import SearchAttributePair

from contracts.call_classes import corporation_priority
from contracts.corporations import NPC_CORPORATION_IDS, CorporationSyncState, corporation_sync_id
from contracts.search_attributes import CORPORATION_ID, SYNC_STATE
from contracts.sync import Request, SyncStatus
from temporal.handles import ask_status, send_signal, start_or_join


async def start_or_wake_corporation(client: Client, corporation_id: int, sync_interval_seconds: int) -> None:
    """A director's permission came (or went): start the corporation's sync, or tell the running one."""
    await start_corporation_sync(client, CorporationSyncState(corporation_id, sync_interval_seconds), reason="director")


async def start_corporation_sync(client: Client, state: CorporationSyncState, *, reason: str | None) -> None:
    """Start a `CorporationSync` from `state`; a running one keeps its own. Either gets `director_granted`.

    Without a reason there is no signal: the first look is at `state.next_sync_at`, a running workflow hears nothing.

    Raises:
        ValueError: the corporation is the game's own.
    """
    corporation_id = state.corporation_id
    if corporation_id in NPC_CORPORATION_IDS:
        raise ValueError(f"{corporation_id} is one of the game's own corporations.")
    await start_or_join(
        client,
        "CorporationSync",
        state,
        workflow_id=corporation_sync_id(corporation_id),
        signal="director_granted" if reason is not None else None,
        signal_arguments=[Request(reason)] if reason is not None else [],
        priority=corporation_priority(corporation_id),
        found_by=[
            SearchAttributePair(SYNC_STATE, str(state.state)),
            SearchAttributePair(CORPORATION_ID, corporation_id),
        ],
        memo={"corporation_id": corporation_id},
    )


async def signal_corporation_sync(
    client: Client,
    corporation_id: int,
    signal: str,
    reason: str = "",
    *,
    at_next_look: bool = False,
    keeps_pace: bool = False,
) -> None:
    """Send one of the signals of `CorporationSync`; options as of `signal_user_sync`.

    Raises:
        WorkflowNotRunning: the corporation is not followed, or not restored yet.
    """
    await send_signal(client, corporation_sync_id(corporation_id), signal, Request(reason, at_next_look, keeps_pace))


async def query_corporation_status(client: Client, corporation_id: int) -> SyncStatus:
    """How the sync stands, by its own account.

    Raises:
        WorkflowNotRunning: the corporation has no workflow.
    """
    return await ask_status(client, corporation_sync_id(corporation_id), SyncStatus)
