"""GET /s/TOKEN: the killmail, the battle or the board that a share link opens, for whoever has it, logged in or not.

The token is in the path, so nothing of the page may carry it elsewhere: no referrer, no search engine, no cache, and
`api.serving.request_log` writes it down nowhere.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import SECRET, caller
from api.orders.sharing import LINKS_AT
from api.services import services_of
from api.site.battle_pages import battle_answer
from api.site.killmail_page import read_killmail, shared_killmail
from api.site.profile_page import profile_answer, read_profile
from db.accounts.share_links import Shared, Subject, opened_by
from db.accounts.shared_battles import eyes_of_link, shared_battle
from db.battles.read import Battle
from db.killmails.filter import Viewer
from db.universe.profiles import ProfileKind

GONE = "This link opens nothing: it may be mistyped, or whoever shared it has taken it back."
PROFILES: dict[Subject, ProfileKind] = {Subject.CHARACTER: "character", Subject.CORPORATION: "corporation"}
"""The page of each board."""


async def shared(request: Request) -> Response:
    """The page.

    Raises:
        HTTPException: 404, the link opens nothing.
    """
    found = await opened(request, request.path_params["token"])
    if found.subject is Subject.KILLMAIL:
        return await _killmail(request, found, found.subject_id)
    if found.subject is Subject.BATTLE:
        return unlisted(await battle_answer(request, await battle_of(request, found), is_shared=True))
    path = f"{LINKS_AT}{request.path_params['token']}"
    profile = await read_profile(request, PROFILES[found.subject], found.subject_id, path)
    return unlisted(await profile_answer(request, found.viewer, profile))


async def killmail_of_board(request: Request) -> Response:
    """GET /s/TOKEN/killmails/{id}: one on the board, or of the battle, that the link opens.

    Raises:
        HTTPException: 404, the link opens nothing, or nothing with such a killmail.
    """
    found, killmail_id = await opened(request, request.path_params["token"]), request.path_params["killmail_id"]
    if not await holds(request, found, killmail_id):
        raise HTTPException(404, GONE)
    return await _killmail(request, found, killmail_id)


async def holds(request: Request, found: Shared, killmail_id: int | None) -> bool:
    """Whether a killmail may be asked for behind this link; of a board, its eyes decide.

    Raises:
        HTTPException: 404, the link's battle is none any more.
    """
    if found.subject is Subject.BATTLE:
        battle = await battle_of(request, found)
        return any(one.killmail_id == killmail_id for one in battle.group.killmails)
    return found.subject is not Subject.KILLMAIL


def eyes_of(request: Request, found: Shared) -> Viewer:
    """With which killmails behind the link are read."""
    if found.subject is not Subject.BATTLE:
        return found.viewer
    return eyes_of_link(found, everything=services_of(request).settings.public_board)


async def battle_of(request: Request, found: Shared) -> Battle:
    """The battle that the link opens.

    Raises:
        HTTPException: 404, too little of it is left to be one.
    """
    battle = await shared_battle(
        services_of(request).pool, found, everything=services_of(request).settings.public_board
    )
    if battle is None:
        raise HTTPException(404, GONE, {"Referrer-Policy": "no-referrer"})
    return battle


async def opened(request: Request, token: str) -> Shared:
    """What this token opens, and where its killmails are from now on for the templates.

    Raises:
        HTTPException: 404, nothing.
    """
    await caller(request)  # for the navigation
    found = await opened_by(services_of(request).pool, token) if SECRET.fullmatch(token) else None
    if found is None:
        raise HTTPException(404, GONE, {"Referrer-Policy": "no-referrer"})
    request.state.killmails_at = f"{LINKS_AT}{token}/killmails"
    return found


async def _killmail(request: Request, found: Shared, killmail_id: int | None) -> Response:
    killmail = await read_killmail(request, eyes_of(request, found), killmail_id)
    if killmail is None:
        raise HTTPException(404, GONE, {"Referrer-Policy": "no-referrer"})
    if found.subject in (Subject.KILLMAIL, Subject.BATTLE):
        killmail["relatedKillmail"] = None  # it was not shared
    return unlisted(shared_killmail(request, killmail))


def unlisted(answer: Response) -> Response:
    """Nothing for a search engine, and its address is nobody else's."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
