"""The part of the settings that says who sees whose killmails: levels with a preview, and share links."""

from __future__ import annotations

from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.arguments import id_or_none
from api.caller import signed_in
from api.orders.requests import Refusal
from api.orders.sharing import address_of, make_link, open_board, revoke_link
from api.pages import render
from api.services import services_of
from api.site.feed_address import FeedAddress
from api.site.feed_shown import SHOWN, cut_days, shown_feed
from api.site.page_forms import posted_form, refusal_page
from contracts.plurals import counted
from db.accounts.boards import BoardKind, account_boards
from db.accounts.sessions import Caller
from db.accounts.share_links import Subject, account_share_links
from db.killmails.feed import COUNTED, count
from db.killmails.filter import KillmailFilter, Viewer
from db.killmails.rows import FeedRead
from db.visibility import Visibility

LEVELS: dict[BoardKind, dict[Visibility, str]] = {
    "character": {
        Visibility.PRIVATE: "Private: only you",
        Visibility.MEMBERS: "Members of the same corporation who log in here",
        Visibility.ALLIANCE: "Members of the same alliance who log in here",
        Visibility.LINK: "Those, and whoever has a share link",
        Visibility.PUBLIC: "Public: everybody, without a login",
    },
    "corporation": {
        Visibility.PRIVATE: "Private: only its directors",
        Visibility.MEMBERS: "Members who log in here",
        Visibility.ALLIANCE: "Members of the same alliance who log in here",
        Visibility.LINK: "Those, and whoever has a share link",
        Visibility.PUBLIC: "Public: everybody, without a login",
    },
}
"""What each level is called."""
PREVIEWED = 5
SHARING = "/settings#sharing"


async def sharing_context(request: Request, who: Caller) -> dict[str, Any]:
    """What `_settings_sharing.html` shows."""
    services = services_of(request)
    return {
        "boards": await account_boards(services.pool, who.account_id),
        "share_links": await account_share_links(services.pool, who.account_id),
        "levels": LEVELS,
        "public_board": services.settings.public_board,
    }


async def visibility_order(request: Request) -> Response:
    """POST /settings/visibility. Fields: `kind` (character, corporation), `id`, `visibility`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    kind = cast(BoardKind, form.choice("kind", *LEVELS))
    level = Visibility(form.choice("visibility", *Visibility))
    refusal = await open_board(services_of(request), form.who, kind, form.eve_id("id"), level)
    return _back(request, refusal)


async def preview(request: Request) -> Response:
    """GET /settings/preview: what strangers would see. Parameters: those of the form.

    Raises:
        HTTPException: 401 nobody is signed in, 404 not a board of theirs, or no level.
    """
    who, asked = await signed_in(request), request.query_params
    board_id, level = id_or_none(asked.get("id", "")), asked.get("visibility", "")
    boards = await account_boards(services_of(request).pool, who.account_id)
    board = next((one for one in boards if (one.kind, one.board_id) == (asked.get("kind"), board_id)), None)
    if board is None or level not in [*Visibility]:
        raise HTTPException(404)
    viewer = Viewer((board.board_id,)) if board.kind == "character" else Viewer((), (board.board_id,))
    services, shown, many = services_of(request), None, 0
    if level in (Visibility.LINK, Visibility.PUBLIC):
        all_of_it = KillmailFilter(scope="VISIBLE")
        many = await count(services.pool, viewer, all_of_it)
        page = await services.compiled.page(SHOWN, FeedRead(viewer, PREVIEWED, None, all_of_it))
        totals = await cut_days(services.pool, viewer, all_of_it, page, FeedAddress())
        shown = shown_feed(page, FeedAddress(), "/", "/", totals)
    told = f"more than {COUNTED:,} killmails" if many > COUNTED else counted(many, "killmail")
    strangers = {
        Visibility.LINK: f"Strangers see nothing, unless they have a share link: with it they see {told}, as below.",
        Visibility.PUBLIC: f"Strangers and search engines see {told}, with everybody on them, as below.",
    }.get(Visibility(level), "Strangers see nothing of it.")
    return render(
        request,
        "preview.html",
        name=board.name or f"Corporation {board.board_id}",
        words=LEVELS[board.kind][Visibility(level)],
        strangers=strangers,
        kind=board.kind,
        board_id=board.board_id,
        visibility=level,
        feed=shown,
        count=told,
    )


async def link_order(request: Request) -> Response:
    """POST /settings/links. Fields: `order` (create, revoke), `subject` of a new one, `id`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    services = services_of(request)
    if form.choice("order", "create", "revoke") == "revoke":
        return _back(request, await revoke_link(services, form.who, form.eve_id("id")))
    subject = Subject(form.choice("subject", *Subject))
    made = await make_link(services, form.who, subject, form.eve_id("id"))
    if isinstance(made, Refusal):
        return _back(request, made)
    return render(
        request,
        "share_link.html",
        201,
        subject=subject,
        address=address_of(services, made),
        link_id=made.shown.share_link_id,
    )


def _back(request: Request, refusal: Refusal | None) -> Response:
    if refusal is not None:
        return refusal_page(request, refusal.message, SHARING)
    return RedirectResponse(SHARING, 303)
