"""GET /admin: everything an operator wants to see of the syncs, and the orders they may give. ADMIN_CHARACTER_IDS."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.caller import operator_of, signed_in
from api.orders.requests import Refusal
from api.orders.syncs import ORDERS
from api.pages import render
from api.services import Services, services_of
from api.site.page_forms import Form, posted_form, refusal_page
from api.site.standing import standing
from contracts.sync import user_sync_id
from db.accounts.admin_actions import begin_action, end_action, latest_actions
from db.accounts.login_watch import latest_logins, suspicions
from db.accounts.sessions import Caller
from db.syncs.overview import missing_by_reason, runs_by_hour, users_by_token_state, users_worst_first
from db.syncs.status import characters

EVERYBODY = "all"


async def admin(request: Request) -> Response:
    """The page.

    Raises:
        HTTPException: 401 nobody is signed in, 403 no operator.
    """
    services = services_of(request)
    await _operator(services, await signed_in(request))
    pool = services.pool
    return render(
        request,
        "admin.html",
        standing=await standing(services),
        hours=await runs_by_hour(pool),
        missing=await missing_by_reason(pool),
        tokens=await users_by_token_state(pool),
        users=await users_worst_first(pool),
        suspicions=await suspicions(pool),
        logins=await latest_logins(pool),
        actions=await latest_actions(pool),
        workflows=workflows_address(services),
    )


async def order(request: Request) -> Response:
    """POST /admin/order. Fields: `order`, and `whom`: a character id, or `all`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    services = services_of(request)
    operator = await _operator(services, form.who)
    signal = form.choice("order", *sorted(ORDERS))
    if form.fields.get("whom") == EVERYBODY:
        refusal = await _order_all(services, operator, signal)
    else:
        refusal = await _order_one(services, operator, signal, form)
    return RedirectResponse("/admin", 303) if refusal is None else refusal_page(request, refusal.message, "/admin")


def workflows_address(services: Services) -> str:
    """Where Temporal's UI shows a workflow, to be followed by its id; empty without TEMPORAL_UI_URL."""
    settings = services.settings
    if not settings.temporal_ui_url:
        return ""
    return f"{settings.temporal_ui_url.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/"


async def _operator(services: Services, who: Caller) -> int:
    operator = await operator_of(services, who)
    if operator is None:
        raise HTTPException(403, "This page is for the operators of this site.")
    return operator


async def _order_one(services: Services, operator: int, signal: str, form: Form) -> Refusal | None:
    character_id = form.eve_id("whom")
    if not await characters(services.pool, [character_id], services.settings.sync_interval_seconds):
        return Refusal("NO_SUCH_CHARACTER", f"Character {character_id} has never logged in here.")
    action = await begin_action(services.pool, operator, signal, user_sync_id(character_id))
    refusal = await services.sync_requests.signal(character_id, signal, "asked for by an operator")
    await end_action(services.pool, action, "accepted" if refusal is None else refusal.message)
    return refusal


async def _order_all(services: Services, operator: int, signal: str) -> Refusal | None:
    action = await begin_action(services.pool, operator, signal, EVERYBODY)
    outcome = await services.sync_requests.signal_all(signal, "asked for by an operator")
    said = outcome.message if isinstance(outcome, Refusal) else outcome
    await end_action(services.pool, action, said)
    return outcome if isinstance(outcome, Refusal) else None
