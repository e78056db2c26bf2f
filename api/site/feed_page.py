"""The front page of who is signed in: how the syncs stand, and the killmails."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.caller import caller, signed_in, viewer_of, viewer_or_stranger
from api.compiled.reads import KillmailPage
from api.pages import render
from api.services import services_of
from api.site.feed_address import FeedAddress
from api.site.feed_filters import asked, panel
from api.site.feed_shown import SHOWN, ShownFeed, cut_days, shown_feed
from api.site.sync_strip import sync_strip
from db.accounts.front_page import front_page
from db.accounts.sessions import Caller
from db.corporations.followed import boards
from db.failures import DATABASE_FAILURES, database_is_away
from db.killmails.cursors import InvalidCursor, position_cursor
from db.killmails.filter import Viewer
from db.killmails.rows import FeedRead
from db.syncs.first_syncs import first_data_arrives

PAGE_SIZE = 25
FRAGMENT = "/fragments/feed"


async def home(request: Request) -> Response:
    """GET /: what this is, or the pilot's killmails. The parameters are those of `FeedAddress`."""
    who = await caller(request)
    if who is None:
        return render(request, "welcome.html", feed=await _public_feed(request))
    wanted = await asked(services_of(request).pool, request.query_params)
    if wanted.changed:
        return RedirectResponse(FeedAddress.whole(wanted.parameters).at("/"), 303)
    services, address = services_of(request), _theirs(FeedAddress.whole(wanted.parameters), who)
    # Read first: what arrives while the page is made, or before its socket is open, is sent by the socket.
    front = await front_page(services.pool, who.account_id)
    return render(
        request,
        "home.html",
        live_cursor=position_cursor(front.newest_arrival),
        address=address.but(),
        boards=await boards(services.pool, who.corporation_ids),
        saved_filters=front.saved_filters,
        sees_others=bool(who.other_ids) or who.sees_public or services.settings.public_board,
        panel=await panel(services.pool, address, wanted.unknown),
        **await _list(request, who, address),
        **await sync_strip(request, who),
    )


async def _public_feed(request: Request) -> ShownFeed | None:
    """What strangers may see, if anything; None too while the database is away, for a login needs no feed to begin."""
    address = FeedAddress.of(request.query_params)
    public = address.unfiltered().but(all="1", character=None, corporation=None, days=None, after=address.after)
    try:
        stranger = await viewer_or_stranger(services_of(request), None)
        if stranger is None:
            return None
        request.state.indexed = True
        return await _shown(request, stranger, public)
    except DATABASE_FAILURES as error:
        if not database_is_away(error):
            raise
        return None


async def feed_fragment(request: Request) -> Response:
    """GET /fragments/feed: the list of killmails, with the parameters of the page."""
    who = await signed_in(request)
    address = _theirs(FeedAddress.whole(request.query_params), who)
    return fragment(render(request, "_feed.html", **await _list(request, who, address)))


def fragment(response: HTMLResponse) -> HTMLResponse:
    """A part of a page is nothing for a search engine."""
    response.headers["X-Robots-Tag"] = "noindex"
    return response


async def _list(request: Request, who: Caller, address: FeedAddress) -> dict[str, Any]:
    """What `_feed.html` shows."""
    services = services_of(request)
    feed = await _shown(request, viewer_of(services, who), address)
    # An empty list alone tells of it.
    return {"feed": feed, "arriving": not feed.days and await first_data_arrives(services.pool, who.account_id)}


async def _shown(request: Request, viewer: Viewer, address: FeedAddress) -> ShownFeed:
    try:
        page = await _page(request, viewer, address)
    except InvalidCursor:
        address = address.but()
        page = await _page(request, viewer, address)
    totals = await cut_days(services_of(request).pool, viewer, address.filter(), page, address)
    return shown_feed(page, address, "/", FRAGMENT, totals)


def _theirs(address: FeedAddress, who: Caller) -> FeedAddress:
    """The address without somebody else's character or board; a board goes before a character."""
    corporation = address.corporation if address.corporation in who.corporation_ids else None
    character = address.character if address.character in who.character_ids and corporation is None else None
    everything = address.all if character is None and corporation is None else None
    return address.but(character=character, corporation=corporation, all=everything, days=None, after=address.after)


async def _page(request: Request, viewer: Viewer, address: FeedAddress) -> KillmailPage:
    read = FeedRead(viewer, PAGE_SIZE, address.after, address.filter(), address.order)
    return await services_of(request).compiled.page(SHOWN, read)
