"""What a pilot may order of their account: keys, sessions, leaving. From the settings or over GraphQL."""

from __future__ import annotations

from collections.abc import Collection

from api.orders.access_notices import access_changed
from api.orders.requests import Refusal
from api.services import Services
from db.accounts.api_keys import MOST_KEYS, NewKey, TooManyKeys, create_api_key, revoke_api_key
from db.accounts.departures import LastCharacter, delete_account, remove_character
from db.accounts.sessions import Caller, Scope, end_sessions

LONGEST_NAME = 60


async def make_key(services: Services, caller: Caller, name: str, scopes: Collection[Scope]) -> NewKey | Refusal:
    """A new API key, or why there is none."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return Refusal("NAME_INVALID", f"Give the key a name of 1 to {LONGEST_NAME} characters.")
    if not scopes:
        return Refusal("SCOPES_MISSING", "Choose what the key can be used for.")
    try:
        return await create_api_key(services.pool, caller.account_id, name, set(scopes))
    except TooManyKeys:
        return Refusal("TOO_MANY_KEYS", f"An account can have at most {MOST_KEYS} keys; revoke one first.")


async def revoke_key(services: Services, caller: Caller, api_key_id: int) -> Refusal | None:
    """Revoke a key of the caller's; None: done."""
    if not await revoke_api_key(services.pool, caller.account_id, api_key_id):
        return Refusal("UNKNOWN_KEY", "You have no such key; it may already have been revoked.")
    await access_changed(services, caller.account_id)
    return None


async def end_one_session(services: Services, caller: Caller, session_id: int) -> Refusal | None:
    """End a session of the caller's; None: done."""
    if not await end_sessions(services.pool, caller.account_id, only=session_id):
        return Refusal("UNKNOWN_SESSION", "You have no such session; it may already have ended.")
    await access_changed(services, caller.account_id)
    return None


async def end_other_sessions(services: Services, caller: Caller) -> int:
    """End all sessions of the account but the caller's; how many."""
    ended = await end_sessions(services.pool, caller.account_id, all_but=caller.session_id)
    await access_changed(services, caller.account_id)
    return ended


async def remove(services: Services, caller: Caller, character_id: int) -> Refusal | None:
    """Remove a character with its grant, sync and data; None: done, or done already."""
    if character_id not in caller.listed_ids:
        return Refusal("NOT_YOUR_CHARACTER", "This character is not in your account.")
    try:
        removed = await remove_character(services.pool, caller.account_id, character_id)
    except LastCharacter:
        return Refusal("LAST_CHARACTER", "This is your account's last character; delete the account instead.")
    if removed:
        await access_changed(services, caller.account_id)
        await services.sync_requests.departed([character_id])
    return None


async def delete(services: Services, caller: Caller, *, confirmed: bool) -> Refusal | None:
    """Delete the account and all we hold of it; None: done. What is left to do elsewhere follows by itself."""
    if not confirmed:
        return Refusal("NOT_CONFIRMED", "Confirm that you want to delete your account; this cannot be undone.")
    leaving = await delete_account(services.pool, caller.account_id)
    await access_changed(services, caller.account_id)
    await services.sync_requests.departed(leaving)
    return None
