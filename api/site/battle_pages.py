"""GET /battles and /battles/{id}: the battles among what the reader may see, and one of them with all who fought.

And /settings/links/{id}: a battle that the reader shares, where they move its sides by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.arguments import id_or_none
from api.caller import caller, signed_in, visitor
from api.compiled.reads import Node
from api.orders.sharing import battle_of_link, infer_sides, move_side
from api.pages import render
from api.services import services_of
from api.site.battle_words import sentence, title
from api.site.page_forms import posted_form, refusal_page
from db.accounts.share_links import first_to_share
from db.battles.nodes import battle_nodes, loss_nodes
from db.battles.read import Battle, BattleFilter, battle_of, battles_page, surroundings
from db.killmails.cursors import InvalidCursor, decode_cursor
from db.killmails.feed import Before
from db.killmails.filter import Viewer
from db.universe.profiles import profile_of

PAGE_SIZE = 15
LINES_SHOWN = 60
"""Losses, and pilots of each side."""
NEAR_SHOWN = 12
"""Losses around a killmail that is of no battle."""
NOTHING_AROUND: dict[str, Any] = {"battle": None, "near": []}
"""For pages that show a killmail alone."""


async def battles(request: Request) -> Response:
    """`system`: those with a loss there. `after`: continues the list.

    Raises:
        HTTPException: 401 nobody is signed in and nothing is public.
    """
    viewer = await visitor(request)
    pool = services_of(request).pool
    system_id = id_or_none(request.query_params.get("system", ""))
    system = None if system_id is None else await profile_of(pool, "system", system_id)
    before = _before(request.query_params.get("after"))
    page = await battles_page(pool, viewer, PAGE_SIZE, before, BattleFilter(None if system is None else system_id))
    nodes = await battle_nodes(services_of(request).compiled.names, page.battles) if page.battles else []
    here = "/battles" if system is None else f"/battles?system={system_id}"
    older = f"{here}{'?' if system is None else '&'}after={page.end_cursor}" if page.has_more else None
    return render(
        request, "battles.html", battles=nodes, system=system, older=older, newest=None if before is None else here
    )


async def battle(request: Request) -> Response:
    """`all=1`: every loss and every pilot.

    Raises:
        HTTPException: 401 nobody is signed in and it is not public, 404 no battle that the reader may see has this
            killmail.
    """
    viewer = await visitor(request)
    killmail_id: int | None = request.path_params["killmail_id"]
    pool = services_of(request).pool
    found = None if killmail_id is None else await battle_of(pool, viewer, killmail_id)
    if found is None and viewer.is_stranger:
        raise HTTPException(401)  # whether there is one is not theirs to know
    if found is None:
        raise HTTPException(404, "This is no battle, or none of your characters and boards is on it.")
    may_share = False
    if (who := await caller(request)) is not None:
        ids = [one.killmail_id for one in found.group.killmails]
        may_share = await first_to_share(pool, who.account_id, ids) is not None
    return await battle_answer(request, found, may_share=may_share)


async def battle_answer(
    request: Request, found: Battle, *, may_share: bool = False, link_id: int | None = None, is_shared: bool = False
) -> Response:
    """The page of a battle. `link_id`: of the reader's share link, where they move its sides."""
    (node,) = await battle_nodes(services_of(request).compiled.names, [found])
    at_most = None if request.query_params.get("all") == "1" else LINES_SHOWN
    hidden = len(node["losses"]) > LINES_SHOWN or any(
        len(side["pilots"]) > LINES_SHOWN or len(side["parties"]) > LINES_SHOWN for side in node["sides"]
    )
    return render(
        request,
        "battle.html",
        battle=node,
        title=title(node),
        sentence=sentence(node),
        at_most=at_most,
        hidden=hidden and at_most is not None,
        may_share=may_share,
        link_id=link_id,
        is_shared=is_shared,
    )


async def shared_sides(request: Request) -> Response:
    """GET /settings/links/{id}

    Raises:
        HTTPException: 401 nobody is signed in, 404 they share no battle with this link.
    """
    who, link_id = await signed_in(request), request.path_params["link_id"]
    found = None if link_id is None else await battle_of_link(services_of(request), who, link_id)
    if found is None:
        raise HTTPException(404, "You share no battle with this link.")
    return await battle_answer(request, found, link_id=link_id, is_shared=True)


async def sides_order(request: Request) -> Response:
    """POST /settings/links/{id}. Fields: `move`, a party's id and the number of a side ("99000001:1"), or `infer`."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    link_id, services = request.path_params["link_id"], services_of(request)
    if link_id is None:
        raise HTTPException(404)
    if "infer" in form.fields:
        refusal = await infer_sides(services, form.who, link_id)
    else:
        party, _, side = form.fields.get("move", "").partition(":")
        party_id = id_or_none(party)
        if party_id is None or not (side.isascii() and side.isdecimal() and len(side) < 6):
            raise HTTPException(400)
        refusal = await move_side(services, form.who, link_id, party_id, int(side))
    if refusal is not None:
        return refusal_page(request, refusal.message, "/settings#sharing")
    return RedirectResponse(f"/settings/links/{link_id}", 303)


async def battle_around(request: Request, viewer: Viewer, killmail: Node) -> dict[str, Any]:
    """For the page of a killmail that the viewer sees: `battle`, or what else was lost `near` it."""
    services = services_of(request)
    found = await surroundings(services.pool, viewer, int(killmail["id"]), datetime.fromisoformat(killmail["time"]))
    if found.battle is not None:
        (node,) = await battle_nodes(services.compiled.names, [found.battle])
        return {"battle": node, "near": []}
    near = await loss_nodes(services.compiled.names, found.near[:NEAR_SHOWN]) if found.near else []
    return {"battle": None, "near": near}


def _before(cursor: str | None) -> Before | None:
    """From the beginning if the cursor is none of ours."""
    if cursor is None:
        return None
    try:
        return decode_cursor(cursor)
    except InvalidCursor:
        return None
