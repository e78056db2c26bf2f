"""GET /settings/webhooks: the account's webhooks with their logs, and the form for another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast, get_args

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.arguments import id_or_none
from api.caller import operator_of, signed_in
from api.orders.requests import Refusal
from api.orders.webhooks import (
    WebhookOrder,
    clock,
    make_webhook,
    order_webhook,
    quiet_time,
    webhooks_of,
)
from api.pages import render
from api.services import services_of
from api.site.filter_words import filters_in_words
from api.site.list_address import chosen_by
from api.site.page_forms import Form, posted_form, refusal_page
from db.accounts.boards import account_boards
from db.accounts.sessions import Caller
from db.webhooks.hooks import NewWebhook, Pause, Tells
from db.webhooks.subjects import Subject

ADDRESS, DIGESTS = "/settings/webhooks", "/settings/digests"
ORDERS: tuple[WebhookOrder, ...] = get_args(WebhookOrder)
FIELDS = 13
"""Of the form for a new webhook."""
PAUSES = {
    Pause.OWNER: "You paused it.",
    Pause.FAILED: "Paused: nothing got through for a day. The log says what the target answered.",
    Pause.GONE: "Paused: the target says that it does not exist any more.",
    Pause.UNREADABLE: "Paused: its address could not be read.",
    Pause.UNSUBSCRIBED: "Ended: the recipient unsubscribed.",
}
REASONS = {
    "filtered": "not what it asks for",
    "too_old": "too old by then",
    "quiet": "in its quiet time",
    "not_yours": "you have no access to it right now",
    "refused": "the target will not take it",
    "missed": "KillReport was not running when it was due",
    "empty": "nothing happened",
    "gone": "what it was of is not here any more",
}


async def webhooks_context(request: Request, who: Caller) -> dict[str, Any]:
    """What `_settings_webhooks.html` shows."""
    return {"webhooks": await webhooks_of(services_of(request), who), "pauses": PAUSES}


EMPTY = {
    **dict.fromkeys(("name", "url", "subject", "side", "min", "filter", "quiet_from", "quiet_until"), ""),
    "minutes": "120",
    "burst": "10",
    "tells": Tells.KILLMAILS.value,
}
"""The form for a new webhook before anything is typed."""


async def page(request: Request) -> Response:
    """The page."""
    return await _page(request, await signed_in(request), {"filter": request.url.query})


async def _page(request: Request, who: Caller, typed: Mapping[str, str], refused: str = "") -> Response:
    """`typed`: what stands in the form; `refused`: why no webhook was made of it."""
    services = services_of(request)
    subjects = await subjects_of(request, who, is_operator=await operator_of(services, who) is not None)
    hooks = [one for one in await webhooks_of(services, who) if one.tells is not Tells.DIGESTS]
    words = await filters_in_words(services.pool, [one.chosen for one in hooks])
    return render(
        request,
        "webhooks.html",
        409 if refused else 200,
        hooks=hooks,
        filters={one.webhook_id: told for one, told in zip(hooks, words, strict=True)},
        subjects=subjects,
        pauses=PAUSES,
        reasons=REASONS,
        clock=clock,
        typed={**EMPTY, **typed},
        refused=refused,
    )


async def order(request: Request) -> Response:
    """POST: the buttons of a webhook (`order`, `id`), and a new one (`order` create, and the fields of the form)."""
    form = await posted_form(request, FIELDS)
    if isinstance(form, Response):
        return form
    services, wanted = services_of(request), form.choice("order", "create", *ORDERS)
    if wanted != "create":
        back = DIGESTS if form.fields.get("at") == "digests" else ADDRESS
        refusal = await order_webhook(services, form.who, form.eve_id("id"), cast(WebhookOrder, wanted))
        return RedirectResponse(back, 303) if refusal is None else refusal_page(request, refusal.message, back)
    new = await _asked(services.pool, form)
    made = new if isinstance(new, Refusal) else await make_webhook(services, form.who, new)
    if isinstance(made, Refusal):
        return await _page(request, form.who, form.fields, made.message)
    return render(
        request, "webhook_secret.html", 201, name=made.name, secret=made.secret, address=ADDRESS, is_digest=False
    )


async def subjects_of(request: Request, who: Caller, *, is_operator: bool) -> list[tuple[str, str]]:
    """Whose killmails the account may have told on: the value of a choice, and its words."""
    boards = await account_boards(services_of(request).pool, who.account_id)
    subjects = [(f"{board.kind}:{board.board_id}", board.name or str(board.board_id)) for board in boards]
    return [*subjects, ("installation:0", "Everything here")] if is_operator else subjects


async def _asked(pool: asyncpg.Pool, form: Form) -> NewWebhook | Refusal:
    def told(name: str) -> str:
        return form.fields.get(name, "").strip()

    kind, _, identity = told("subject").partition(":")
    if kind not in [*Subject]:
        raise HTTPException(400)
    quiet = quiet_time(told("quiet_from"), told("quiet_until"))
    if isinstance(quiet, Refusal):
        return quiet
    chosen = await chosen_by(pool, told("filter"), told("side"), told("min"))
    if isinstance(chosen, Refusal):
        return chosen
    minutes, burst = id_or_none(told("minutes")), id_or_none(told("burst"))
    return NewWebhook(
        Subject(kind),
        id_or_none(identity) or 0,
        told("name"),
        chosen,
        told("url"),
        max_age=timedelta(minutes=min(minutes or 0, 10_000)),
        burst=burst or 0,
        quiet=quiet,
        tells=Tells(form.choice("tells", *Tells)) if "tells" in form.fields else Tells.KILLMAILS,
    )
