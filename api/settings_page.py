"""The settings: one page of sections, each with a template and the function that reads what it shows.

A section's forms go to routes of its own and come back here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.browser_cookies import caller
from api.login import CORPORATION_SCOPES
from api.rendering import render
from api.services import services_of
from db.accounts import account_characters
from db.sessions import Caller

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


async def _characters(request: Request, who: Caller) -> dict[str, Any]:
    return {
        "characters": await account_characters(services_of(request).pool, who.account_id),
        "corporation_scopes": frozenset(CORPORATION_SCOPES),
    }


SECTIONS: tuple[Section, ...] = (("_settings_characters.html", _characters),)
