"""Feeds for readers of them, and the page of the settings where secret ones are made."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.arguments import id_or_none
from api.caller import SECRET, operator_of, signed_in, viewer_or_stranger
from api.exports.feeds import FORMS, Feed, answer, read_feed
from api.orders.feeds import feeds_of, make_feed, take_back_feed
from api.orders.requests import Refusal
from api.orders.sharing import LINKS_AT
from api.pages import render
from api.services import services_of
from api.site.feed_address import FeedAddress
from api.site.filter_words import filters_in_words
from api.site.list_address import chosen_by
from api.site.page_forms import posted_form, refusal_page
from api.site.webhooks_page import subjects_of
from db.accounts import share_links
from db.accounts.sessions import Caller
from db.accounts.share_links import opened_by
from db.killmails.filter import KillmailFilter, Viewer
from db.webhooks.feeds import feed_by
from db.webhooks.subjects import Subject, viewer_of

ADDRESS = "/settings/feeds"
FIELDS = 8
_SHARED = {
    share_links.Subject.CHARACTER: Subject.CHARACTER,
    share_links.Subject.CORPORATION: Subject.CORPORATION,
}


async def public(request: Request) -> Response:
    """GET /feed.atom and /feed.json: what is public, with the parameters of a list's address. Nobody logs in for it.

    Raises:
        HTTPException: 404, nothing is public.
    """
    services = services_of(request)
    viewer = await viewer_or_stranger(services, None)
    if viewer is None:
        raise HTTPException(404)
    chosen = FeedAddress.whole(request.query_params).but(all="1").filter()
    found = Viewer(viewer.character_ids, viewer.corporation_ids, sight=viewer.sight, is_stranger=True)
    return await _answer(request, "KillReport", found, chosen, Subject.INSTALLATION, 0, secret="")


async def secret(request: Request) -> Response:
    """GET /s/TOKEN/feed.atom and .json: a feed's token says what; of a share link of a board, the address does.

    Raises:
        HTTPException: 404, the token opens nothing.
    """
    services, token = services_of(request), request.path_params["token"]
    gone = HTTPException(404, headers={"Referrer-Policy": "no-referrer"})
    if not SECRET.fullmatch(token):
        raise gone
    feed = await feed_by(services.pool, token, services.settings.admin_character_ids)
    if feed is not None:
        viewer = viewer_of(feed.subject, feed.subject_id)
        return await _answer(request, feed.name, viewer, feed.chosen, feed.subject, feed.subject_id, secret="")
    shared = await opened_by(services.pool, token)
    if shared is None or shared.subject not in _SHARED:
        raise gone
    chosen = FeedAddress.whole(request.query_params).but(all="1").filter()
    kind = _SHARED[shared.subject]
    return await _answer(request, "KillReport", shared.viewer, chosen, kind, shared.subject_id, secret=token)


async def page(request: Request) -> Response:
    """GET /settings/feeds."""
    return await _page(request, await signed_in(request), {"filter": request.url.query})


async def _page(request: Request, who: Caller, typed: Mapping[str, str], refused: str = "") -> Response:
    """`typed`: what stands in the form; `refused`: why no feed was made of it."""
    services = services_of(request)
    feeds = await feeds_of(services, who)
    words = await filters_in_words(services.pool, [one.chosen for one in feeds])
    return render(
        request,
        "feeds.html",
        409 if refused else 200,
        feeds=feeds,
        filters={one.feed_id: told for one, told in zip(feeds, words, strict=True)},
        subjects=await subjects_of(request, who, is_operator=await operator_of(services, who) is not None),
        typed={**dict.fromkeys(("name", "subject", "side", "filter"), ""), **typed},
        refused=refused,
    )


async def order(request: Request) -> Response:
    """POST /settings/feeds. Fields: `order` (create, revoke), those of the form, `id`."""
    form = await posted_form(request, FIELDS)
    if isinstance(form, Response):
        return form
    services = services_of(request)
    if form.choice("order", "create", "revoke") == "revoke":
        refusal = await take_back_feed(services, form.who, form.eve_id("id"))
        return RedirectResponse(ADDRESS, 303) if refusal is None else refusal_page(request, refusal.message, ADDRESS)
    kind, _, identity = form.fields.get("subject", "").partition(":")
    if kind not in [*Subject]:
        raise HTTPException(400)
    address, side = form.fields.get("filter", "").strip(), form.fields.get("side", "")
    chosen = await chosen_by(services.pool, address, side, "")
    if isinstance(chosen, Refusal):
        return await _page(request, form.who, form.fields, chosen.message)
    name = form.fields.get("name", "")
    made = await make_feed(services, form.who, Subject(kind), id_or_none(identity) or 0, name, chosen)
    if isinstance(made, Refusal):
        return await _page(request, form.who, form.fields, made.message)
    return render(request, "feed_address.html", 201, name=made.name, address=made.address, forms=FORMS)


async def _answer(
    request: Request, title: str, viewer: Viewer, chosen: KillmailFilter, subject: Subject, subject_id: int, *,
    secret: str,
) -> Response:  # fmt: skip
    form = request.path_params["form"]
    if form not in FORMS:
        raise HTTPException(404)
    services, site = services_of(request), services_of(request).settings.site_url
    entries = await read_feed(services.pool, viewer, chosen, subject, subject_id, site)
    behind = f"{LINKS_AT}{secret}/killmails/" if secret else "/killmails/"
    query = f"?{request.url.query}" if request.url.query else ""
    feed = Feed(title, f"{site}{request.url.path}{query}", site, f"{site}{behind}", entries)
    return answer(request, feed, form, public=viewer.is_stranger)
