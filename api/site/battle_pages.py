"""GET /battles and /battles/{id}: the battles among what the reader may see, and one of them with all who fought."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.arguments import id_or_none
from api.caller import visitor
from api.pages import render
from api.services import services_of
from db.battles.nodes import battle_nodes, loss_nodes
from db.battles.read import BattleFilter, battle_of, battles_page, surroundings
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
    nodes = await battle_nodes(pool, page.battles) if page.battles else []
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
    (node,) = await battle_nodes(pool, [found])
    at_most = None if request.query_params.get("all") == "1" else LINES_SHOWN
    hidden = len(node["losses"]) > LINES_SHOWN or any(len(side["pilots"]) > LINES_SHOWN for side in node["sides"])
    return render(request, "battle.html", battle=node, at_most=at_most, hidden=hidden and at_most is not None)


async def battle_around(request: Request, viewer: Viewer, killmail_id: int) -> dict[str, Any]:
    """For the killmail's page: `battle`, or what else was lost `near` it."""
    pool = services_of(request).pool
    found = await surroundings(pool, viewer, killmail_id)
    if found.battle is not None:
        (node,) = await battle_nodes(pool, [found.battle])
        return {"battle": node, "near": []}
    return {"battle": None, "near": await loss_nodes(pool, found.near[:NEAR_SHOWN]) if found.near else []}


def _before(cursor: str | None) -> Before | None:
    """From the beginning if the cursor is none of ours."""
    if cursor is None:
        return None
    try:
        return decode_cursor(cursor)
    except InvalidCursor:
        return None
