"""Start, signal and query a pilot's `UserSync`. Raises as `temporal/handles.py` says."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import SearchAttributePair

from contracts.call_classes import PRIORITY_OF, CallClass, character_priority
from contracts.search_attributes import CHARACTER_ID, CORPORATION_ID, SYNC_STATE
from contracts.sync import Request, SyncStatus, UserSyncState, user_sync_id
from temporal.handles import ask_status, send_signal, start_or_join


async def start_or_wake(client: Client, character_id: int, sync_interval_seconds: int) -> None:
    """A login: start the character's `UserSync`, or tell the running one that there is a new token."""
    await start_user_sync(
        client, UserSyncState(character_id, sync_interval_seconds), start_signal="token_granted", reason="login"
    )


async def start_user_sync(
    client: Client, state: UserSyncState, *, start_signal: str | None = None, reason: str = ""
) -> None:
    """Start a `UserSync` from `state`; a running one keeps its own state. Either gets the signal, if there is one.

    Without one the first look is at `state.next_sync_at`, and a running workflow hears nothing.
    """
    character_id = state.character_id
    await start_or_join(
        client,
        "UserSync",
        state,
        workflow_id=user_sync_id(character_id),
        signal=start_signal,
        signal_arguments=[Request(reason)] if start_signal else [],
        priority=character_priority(character_id, PRIORITY_OF[CallClass.FIRST_SYNC]),
        found_by=[
            SearchAttributePair(SYNC_STATE, str(state.state)),
            SearchAttributePair(CHARACTER_ID, character_id),
            *([SearchAttributePair(CORPORATION_ID, state.corporation_id)] if state.corporation_id else []),
        ],
        memo={"character_id": character_id},
    )


async def signal_user_sync(
    client: Client,
    character_id: int,
    signal: str,
    reason: str = "",
    *,
    at_next_look: bool = False,
    keeps_pace: bool = False,
) -> None:
    """Send one of the signals of `UserSync`.

    Args:
        at_next_look: of `force_full_resync`: not now, but when the next look is due anyway.
        keeps_pace: of `sync_now`: nobody is more active for that.

    Raises:
        WorkflowNotRunning: there is nobody to hear it.
    """
    await send_signal(client, user_sync_id(character_id), signal, Request(reason, at_next_look, keeps_pace))


async def query_status(client: Client, character_id: int) -> SyncStatus:
    """How the sync stands, by its own account.

    Raises:
        WorkflowNotRunning: the character has no workflow.
    """
    return await ask_status(client, user_sync_id(character_id), SyncStatus)
