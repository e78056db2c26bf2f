"""The settings' sections for where killmails come from: imports, the archive, and one killmail by its link."""

from __future__ import annotations

from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.caller import signed_in
from api.orders.added_killmails import Added, add_killmail
from api.orders.history import history_sentence, request_history
from api.orders.imports import ImportOrder, order_import
from api.orders.killmail_account import WORDS, killmail_accounts
from api.orders.requests import DELAYED
from api.pages import render
from api.services import services_of
from api.site.page_forms import posted_form, refusal_page
from contracts.imports import ImportState
from db.accounts.sessions import Caller
from db.intake.history import history_progress
from db.intake.imports import imports_of
from db.syncs.status import account_characters

ORDERS: tuple[ImportOrder, ...] = get_args(ImportOrder)
ANCHOR = "/settings#imports"
HISTORY = "/settings#history"


async def imports_context(request: Request, who: Caller) -> dict[str, Any]:
    """What `_settings_imports.html` shows."""
    services = services_of(request)
    characters = await account_characters(services.pool, who.account_id, services.settings.sync_interval_seconds)
    found = await imports_of(services.pool, who.character_ids)
    return {
        "importers": [
            (character, found.get(character.character_id)) for character in characters if not character.is_sold
        ],
        "imports_changing": any(one.running and one.state is not ImportState.ESTIMATED for one in found.values()),
    }


async def history_context(request: Request, who: Caller) -> dict[str, Any]:
    """What `_settings_history.html` shows."""
    found = await history_progress(services_of(request).pool, who.account_id)
    return {"history": found, "history_sentence": history_sentence(found)}


async def sources_context(request: Request, who: Caller) -> dict[str, Any]:
    """What `_settings_sources.html` shows."""
    services = services_of(request)
    characters = await account_characters(services.pool, who.account_id, services.settings.sync_interval_seconds)
    return {
        "killmail_accounts": await killmail_accounts(
            services, [one.character_id for one in characters if not one.is_sold]
        ),
        "source_words": WORDS,
    }


async def history_order(request: Request) -> Response:
    """POST /settings/history: the whole history from the public archive."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    refusal = await request_history(services_of(request), form.who)
    if refusal is None:
        return RedirectResponse(HISTORY, 303)
    return refusal_page(request, refusal.message, HISTORY, saved=refusal is DELAYED)


async def imports_fragment(request: Request) -> Response:
    """GET /fragments/imports: the section, for the page's script."""
    who = await signed_in(request)
    response = render(request, "_settings_imports.html", **await imports_context(request, who))
    response.headers["X-Robots-Tag"] = "noindex"
    return response


async def import_order(request: Request) -> Response:
    """POST /settings/zkillboard: the buttons of an import. Fields: `character_id`, `order`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    order = next(one for one in ORDERS if one == form.choice("order", *ORDERS))
    refusal = await order_import(services_of(request), form.who, form.eve_id("character_id"), order)
    return RedirectResponse(ANCHOR, 303) if refusal is None else refusal_page(request, refusal.message, ANCHOR)


async def added_killmail(request: Request) -> Response:
    """POST /settings/killmail: add one killmail, and show it. Field: `link`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    outcome = await add_killmail(services_of(request), form.who, form.fields.get("link", ""))
    if not isinstance(outcome, Added):
        return refusal_page(request, outcome.message, "/settings#add-killmail")
    return RedirectResponse(f"/killmails/{outcome.killmail_id}", 303)
