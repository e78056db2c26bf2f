"""How the syncs of the account's characters stand, above the feed, and the buttons that help."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.caller import signed_in
from api.orders.syncs import ORDERS, give_order
from api.pages import render
from api.services import services_of
from api.site.page_forms import posted_form, refusal_page
from contracts.sync import SyncAction, SyncState
from db.accounts.sessions import Caller
from db.syncs.first_syncs import FRESH_FOR, first_syncs
from db.syncs.status import AccountCharacter, account_characters

WAITING = frozenset({SyncState.STARTING, SyncState.FIRST_SYNC, SyncState.SYNCING})
"""States that will not last: the script looks often."""
BUTTONS = {
    SyncAction.LOG_IN: ("login", "Log in again"),
    SyncAction.RESUME: ("resume", "Resume"),
    SyncAction.SYNC_NOW: ("sync_now", "Sync now"),
}
"""The order that helps and what its button says; "login" is a link. Other actions have no button."""
WORTH_A_LOOK = 1
"""So many characters are shown one by one; of more, those that are simply up to date are folded into a line."""


async def characters_fragment(request: Request) -> Response:
    """GET /fragments/characters: the panel of the account's characters."""
    who = await signed_in(request)
    response = render(request, "_characters.html", **await sync_strip(request, who))
    response.headers["X-Robots-Tag"] = "noindex"
    return response


async def sync_order(request: Request) -> Response:
    """POST /sync: the buttons of a character. Fields: `character_id`, `order`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    order = form.choice("order", *ORDERS)
    refusal = await give_order(services_of(request), form.who, form.eve_id("character_id"), order)
    return RedirectResponse("/", 303) if refusal is None else refusal_page(request, refusal.message, "/")


async def sync_strip(request: Request, who: Caller) -> dict[str, Any]:
    """What `_characters.html` shows."""
    services = services_of(request)
    pool = services.pool
    characters = await account_characters(pool, who.account_id, services.settings.sync_interval_seconds)
    quiet = [one for one in characters if one.status.state == SyncState.OK and one.last_killmail_sync_at is not None]
    folded = quiet if len(characters) > WORTH_A_LOOK else []
    return {
        "characters": characters,
        "own_characters": [one for one in characters if not one.is_sold],
        "shown_characters": [one for one in characters if one not in folded],
        "folded_characters": folded,
        "changing": any(character.status.state in WAITING for character in characters),
        "first_sync": [one for one in characters if one.last_killmail_sync_at is None],
        "came_in": await first_syncs(pool, who.character_ids) if any(map(_may_be_new, characters)) else [],
        "buttons": {one.character_id: BUTTONS.get(one.status.action, ("", "")) for one in characters},
    }


def _may_be_new(character: AccountCharacter) -> bool:
    """Whether its first sync can have ended lately: no run of it ends before that one. Clocks differ by less than
    `FRESH_FOR`.
    """
    return character.last_run is not None and character.last_run.finished_at > datetime.now(UTC) - 2 * FRESH_FOR
