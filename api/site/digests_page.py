"""Digests by the calendar: GET and POST /settings/digests, and the page that the link in each mail opens."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.arguments import id_or_none
from api.caller import SECRET, signed_in
from api.orders.requests import Refusal
from api.orders.webhooks import make_webhook, webhooks_of
from api.pages import render
from api.services import services_of
from api.site.page_forms import Form, posted_form
from api.site.shared_page import GONE
from api.site.webhooks_page import PAUSES, REASONS, subjects_of
from db.accounts.sessions import Caller
from db.killmails.filter import EVERYTHING
from db.webhooks.hooks import MAILTO, NewWebhook, Tells
from db.webhooks.recipients import Recipient, confirm, recipient_by, unsubscribe
from db.webhooks.schedule import Every, Schedule
from db.webhooks.subjects import Subject

ADDRESS = "/settings/digests"
FIELDS = 8
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ONE_CLICK = b"List-Unsubscribe=One-Click"
"""What a reader of mail posts (RFC 8058, 3.1)."""


async def page(request: Request) -> Response:
    """GET /settings/digests."""
    return await _page(request, await signed_in(request), {})


async def _page(request: Request, who: Caller, typed: Mapping[str, str], refused: str = "") -> Response:
    """`typed`: what stands in the form; `refused`: why no digest was made of it."""
    services = services_of(request)
    return render(
        request,
        "digests.html",
        409 if refused else 200,
        typed={**dict.fromkeys(("name", "target", "subject", "day", "empty"), ""), "hour": "11", **typed},
        refused=refused,
        hooks=[one for one in await webhooks_of(services, who) if one.tells is Tells.DIGESTS],
        subjects=await subjects_of(request, who, is_operator=False),
        pauses=PAUSES,
        reasons=REASONS,
        weekdays=WEEKDAYS,
        sends_mail=bool(services.settings.smtp_url.get_secret_value()),
    )


async def order(request: Request) -> Response:
    """POST: a new digest. The buttons of one are those of its webhook (`api.site.webhooks_page`)."""
    form = await posted_form(request, FIELDS)
    if isinstance(form, Response):
        return form
    made = await make_webhook(services_of(request), form.who, _asked(form))
    if isinstance(made, Refusal):
        return await _page(request, form.who, form.fields, made.message)
    if not made.secret:
        return RedirectResponse(ADDRESS, 303)
    return render(
        request, "webhook_secret.html", 201, name=made.name, secret=made.secret, address=ADDRESS, is_digest=True
    )


async def mail(request: Request) -> Response:
    """GET /s/TOKEN/mail: what the reader of a mail may do about it. Nobody logs in for it, and a GET changes nothing.

    Raises:
        HTTPException: 404, the link opens nothing any more.
    """
    return await _letter_box(request, await _recipient(request))


async def mail_order(request: Request) -> Response:
    """POST /s/TOKEN/mail. `order`: confirm or unsubscribe; or what a reader of mail sends for its one click.

    The token is all that counts: no cookie helps, so where the request comes from does not matter.

    Raises:
        HTTPException: 404 as above, 400 neither of these.
    """
    found, pool = await _recipient(request), services_of(request).pool
    body = await request.body()
    if body == b"order=confirm":
        await confirm(pool, found)
        return await _letter_box(request, await _recipient(request))
    # Some send their one click as a form of several parts (RFC 8058, 3.2).
    if body != b"order=unsubscribe" and ONE_CLICK not in body and b'name="List-Unsubscribe"' not in body:
        raise HTTPException(400)
    await unsubscribe(pool, found)
    return await _letter_box(request, None)


async def _recipient(request: Request) -> Recipient:
    token = request.path_params["token"]
    found = await recipient_by(services_of(request).pool, token) if SECRET.fullmatch(token) else None
    if found is None:
        raise HTTPException(404, GONE, headers={"Referrer-Policy": "no-referrer"})
    return found


async def _letter_box(request: Request, found: Recipient | None) -> Response:
    answer = render(request, "mail.html", recipient=found)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _asked(form: Form) -> NewWebhook:
    def told(name: str) -> str:
        return form.fields.get(name, "").strip()

    kind, _, identity = told("subject").partition(":")
    if kind not in [*Subject]:
        raise HTTPException(400)
    day = id_or_none(told("day"))  # none: daily
    hour = told("hour")
    schedule = Schedule(
        Every.DAY if day is None else Every.WEEK,
        int(hour) if hour.isascii() and hour.isdecimal() and len(hour) < 3 else -1,
        day,
        told("empty") == "yes",
    )
    where = told("target")
    target = f"{MAILTO}{where}" if "@" in where and "/" not in where else where
    name = told("name")
    return NewWebhook(
        Subject(kind), id_or_none(identity) or 0, name, EVERYTHING, target, tells=Tells.DIGESTS, digest=schedule
    )
