"""What a pilot may order of the sync of a character, from a button or over GraphQL."""

from __future__ import annotations

from api.orders.requests import Refusal
from api.services import Services
from contracts.sync import SyncState
from db.accounts.sessions import Caller
from db.syncs.status import characters

ORDERS = frozenset({"sync_now", "force_full_resync", "pause", "resume"})
"""Signals a pilot may send to their own character's workflow."""


async def give_order(services: Services, caller: Caller, character_id: int, signal: str) -> Refusal | None:
    """Pass the order on to the character's workflow; None when it was taken."""
    if character_id not in caller.listed_ids:
        return Refusal("NOT_YOUR_CHARACTER", "This character is not in your account.")
    (character,) = await characters(services.pool, [character_id], services.settings.sync_interval_seconds)
    if not character.token_is_valid:
        return Refusal("NEEDS_LOGIN", character.status.message)
    if character.status.state == SyncState.PAUSED and signal not in ("pause", "resume"):
        return Refusal("PAUSED", "Sync is paused for this character; resume it first.")
    return await services.sync_requests.signal(character_id, signal, "asked for by the pilot")
