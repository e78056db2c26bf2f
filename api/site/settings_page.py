"""The settings: one page of sections, each with a template and the function that reads what it shows.

A section's forms go to routes of its own and come back here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.caller import caller
from api.orders.corporations import set_corporation_sync
from api.orders.requests import DELAYED
from api.pages import render
from api.services import services_of
from api.site import import_page, sharing_page, webhooks_page
from api.site.page_forms import posted_form, refusal_page
from db.accounts.api_keys import account_api_keys
from db.accounts.sessions import Caller, account_sessions
from db.corporations.followed import account_corporations
from db.syncs.status import account_characters, recent_runs

Section = tuple[str, Callable[[Request, Caller], Awaitable[dict[str, Any]]]]
"""A template, and what reads the variables it shows; their names are shared by all sections."""


async def settings(request: Request) -> Response:
    """GET /settings; whoever is not signed in is sent to the front page."""
    who = await caller(request)
    if who is None:
        return RedirectResponse("/", 303)
    context: dict[str, Any] = {}
    for _, read in SECTIONS:
        context |= await read(request, who)
    return render(request, "settings.html", sections=[template for template, _ in SECTIONS], **context)


async def corporation_order(request: Request) -> Response:
    """POST /settings/corporation: the buttons of a corporation. Fields: `corporation_id`, `order`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    services, corporation_id = services_of(request), form.eve_id("corporation_id")
    enabled = form.choice("order", "follow", "unfollow") == "follow"
    refusal = await set_corporation_sync(services, form.who, corporation_id, enabled=enabled)
    if refusal is None:
        return RedirectResponse("/settings", 303)
    return refusal_page(request, refusal.message, "/settings", saved=refusal is DELAYED)


async def _characters(request: Request, who: Caller) -> dict[str, Any]:
    services = services_of(request)
    characters = await account_characters(services.pool, who.account_id, services.settings.sync_interval_seconds)
    runs = await recent_runs(services.pool, [one.character_id for one in characters])
    return {"characters": characters, "runs": runs}


async def _corporations(request: Request, who: Caller) -> dict[str, Any]:
    return {"corporations": await account_corporations(services_of(request).pool, who.account_id)}


async def _sessions(request: Request, who: Caller) -> dict[str, Any]:
    sessions = await account_sessions(services_of(request).pool, who.account_id)
    return {"sessions": sessions, "current_session": who.session_id}


async def _api_keys(request: Request, who: Caller) -> dict[str, Any]:
    return {"api_keys": await account_api_keys(services_of(request).pool, who.account_id)}


async def _nothing(_: Request, __: Caller) -> dict[str, Any]:
    return {}


SECTIONS: tuple[Section, ...] = (
    ("_settings_characters.html", _characters),
    ("_settings_corporations.html", _corporations),
    ("_settings_sharing.html", sharing_page.sharing_context),
    ("_settings_webhooks.html", webhooks_page.webhooks_context),
    ("_settings_sources.html", import_page.sources_context),
    ("_settings_history.html", import_page.history_context),
    ("_settings_imports.html", import_page.imports_context),
    ("_settings_add_killmail.html", _nothing),
    ("_settings_api_keys.html", _api_keys),
    ("_settings_sessions.html", _sessions),
    ("_settings_account.html", _nothing),
)
