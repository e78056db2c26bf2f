"""What a director may order for their corporation, from the settings or over GraphQL."""

from __future__ import annotations

from api.orders.requests import Refusal
from api.services import Services
from db.accounts.sessions import Caller
from db.corporations.directors import CannotFollow, follow, unfollow
from db.corporations.followed import account_corporations

NOT_YOURS = Refusal("NOT_YOUR_CORPORATION", "None of your characters is in this corporation.")


async def set_corporation_sync(
    services: Services, caller: Caller, corporation_id: int, *, enabled: bool
) -> Refusal | None:
    """Switch on the sync with all of the caller's characters that gave the permission, or off; None: done.

    Switching on again asks EVE again about characters whose part had ended.
    """
    if not enabled:
        if not await unfollow(services.pool, corporation_id, caller.listed_ids):
            return Refusal("NOT_SWITCHED_ON", "None of your characters follows this corporation.")
        return await services.sync_requests.directors_changed(corporation_id)
    known = await account_corporations(services.pool, caller.account_id)
    corporation = next((one for one in known if one.corporation_id == corporation_id), None)
    if corporation is None:
        return NOT_YOURS
    if not corporation.candidates:
        return Refusal("NEEDS_LOGIN", "Grant corporation access first.")
    try:
        for character_id in corporation.candidates:
            await follow(services.pool, character_id)
    except CannotFollow as error:  # it logged in elsewhere, or left, since we looked
        return Refusal("NEEDS_LOGIN", str(error))
    return await services.sync_requests.directors_changed(corporation_id)
