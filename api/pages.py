"""The site: the front page, the fragments its script asks for, and the buttons that work without it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.browser_cookies import caller
from api.graphql.arguments import viewer
from api.page_forms import posted_form, refusal_page, signed_in
from api.rendering import render
from api.services import services_of
from api.sync_orders import ORDERS, give_order
from db.accounts import account_characters
from db.followed_corporations import boards
from db.killmails import FeedPage, InvalidCursor, KillmailFilter, feed
from db.sessions import Caller
from workflows.contracts import SyncAction, SyncState

PAGE_SIZE = 50
WAITING = frozenset({SyncState.STARTING, SyncState.FIRST_SYNC, SyncState.SYNCING})
"""States that will not last: the script looks often."""


async def home(request: Request) -> Response:
    """GET /: what this is, or the pilot's killmails. `character`: only of this one; `after`: older than this cursor."""
    who = await caller(request)
    if who is None:
        return render(request, "welcome.html")
    context = await _feed_context(request, who)
    return render(request, "home.html", **context, **await _characters_context(request, who))


async def characters_fragment(request: Request) -> Response:
    """GET /fragments/characters: the panel of the account's characters."""
    who = await signed_in(request)
    return _fragment(render(request, "_characters.html", **await _characters_context(request, who)))


async def feed_fragment(request: Request) -> Response:
    """GET /fragments/feed: the list of killmails, with the parameters of the page."""
    who = await signed_in(request)
    return _fragment(render(request, "_feed.html", **await _feed_context(request, who)))


async def sync_order(request: Request) -> Response:
    """POST /sync: the buttons of a character. Fields: `character_id`, `order`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    order = form.choice("order", *ORDERS)
    refusal = await give_order(services_of(request), form.who, form.eve_id("character_id"), order)
    return RedirectResponse("/", 303) if refusal is None else refusal_page(request, refusal.message, "/")


async def _characters_context(request: Request, who: Caller) -> dict[str, Any]:
    characters = await account_characters(services_of(request).pool, who.account_id)
    return {
        "characters": characters,
        "changing": any(character.status.state in WAITING for character in characters),
        "first_sync": [one for one in characters if one.last_killmail_sync_at is None],
        "buttons": {one.character_id: BUTTONS.get(one.status.action, ("", "")) for one in characters},
    }


BUTTONS = {
    SyncAction.LOG_IN: ("login", "Log in again"),
    SyncAction.RESUME: ("resume", "Resume"),
    SyncAction.SYNC_NOW: ("sync_now", "Sync now"),
}
"""The order that helps and what its button says; "login" is a link. Other actions have no button."""


async def _feed_context(request: Request, who: Caller) -> dict[str, Any]:
    services = services_of(request)
    chosen = request.query_params.get("character", "")
    character_id = int(chosen) if chosen.isdecimal() and int(chosen) in who.character_ids else None
    after = request.query_params.get("after") or None
    asked = request.query_params.get("corporation", "")
    corporation_id = int(asked) if asked.isdecimal() and int(asked) in who.corporation_ids else None
    if corporation_id is not None:
        character_id = None
    chosen_filter = KillmailFilter(character_id=character_id, corporation_id=corporation_id)
    try:
        page = await _page(request, who, after, chosen_filter)
    except InvalidCursor:
        after = None
        page = await _page(request, who, None, chosen_filter)
    parameters = {"character": str(character_id)} if character_id else {}
    if corporation_id:
        parameters = {"corporation": str(corporation_id)}
    older = {**parameters, "after": page.cursors[-1]} if page.has_next_page else None
    return {
        "killmails": page.nodes,
        "chosen_character": character_id,
        "chosen_corporation": corporation_id,
        "boards": await boards(services.pool, who.corporation_ids),
        "newest": after is None,
        "newest_address": f"/?{urlencode(parameters)}" if parameters else "/",
        "older_address": f"/?{urlencode(older)}" if older else None,
        "fragment_address": f"/fragments/feed?{urlencode(parameters)}",
        "images": services.settings.eve_images_url,
    }


async def _page(request: Request, who: Caller, after: str | None, chosen: KillmailFilter) -> FeedPage:
    return await feed(
        services_of(request).pool, viewer(who), PAGE_SIZE, after, chosen, with_attackers=False, with_items=False
    )


def _fragment(response: HTMLResponse) -> HTMLResponse:
    response.headers["X-Robots-Tag"] = "noindex"
    return response
