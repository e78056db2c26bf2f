"""The settings page's forms on characters, sessions, API keys and the account. Each comes back to the page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.login.cookies import forget_session
from api.orders import account as account_orders
from api.orders.requests import Refusal
from api.orders.syncs import ORDERS, give_order
from api.pages import render
from api.services import services_of
from api.site.page_forms import posted_form, refusal_page
from db.accounts.sessions import Scope


async def character_order(request: Request) -> Response:
    """POST /settings/characters. Fields: `character_id`, `order` (an order to its sync, or remove)."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    services, character_id = services_of(request), form.eve_id("character_id")
    order = form.choice("order", *ORDERS, "remove")
    if order == "remove":
        return _back(request, await account_orders.remove(services, form.who, character_id))
    return _back(request, await give_order(services, form.who, character_id, order))


async def session_order(request: Request) -> Response:
    """POST /settings/sessions. Fields: `order` (end, end_others), `session_id`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    services = services_of(request)
    if form.choice("order", "end", "end_others") == "end":
        return _back(request, await account_orders.end_one_session(services, form.who, form.eve_id("session_id")))
    await account_orders.end_other_sessions(services, form.who)
    return _back(request, None)


async def key_order(request: Request) -> Response:
    """POST /settings/api-keys. Fields: `order` (create, revoke), `name`, a field for each scope, `api_key_id`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    services = services_of(request)
    if form.choice("order", "create", "revoke") == "revoke":
        return _back(request, await account_orders.revoke_key(services, form.who, form.eve_id("api_key_id")))
    scopes = [scope for scope in Scope if scope.value in form.fields]
    made = await account_orders.make_key(services, form.who, form.fields.get("name", ""), scopes)
    if isinstance(made, Refusal):
        return _back(request, made)
    return render(request, "api_key.html", 201, name=made.shown.name, secret=made.secret)


async def delete_order(request: Request) -> Response:
    """POST /settings/delete. Field: `confirm`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    confirmed = form.fields.get("confirm") == "yes"
    refusal = await account_orders.delete(services_of(request), form.who, confirmed=confirmed)
    if refusal is not None:
        return _back(request, refusal)
    page = render(
        request,
        "message.html",
        title="Your account has been deleted",
        happened="We no longer store anything about your account, and we are revoking our access at EVE.",
        advice="To check for yourself, see the list of third-party applications on EVE Online's site.",
        button="Go to the front page",
        address="/",
    )
    forget_session(page, services_of(request).settings)
    return page


def _back(request: Request, refusal: Refusal | None) -> Response:
    if refusal is not None:
        return refusal_page(request, refusal.message, "/settings")
    return RedirectResponse("/settings", 303)
