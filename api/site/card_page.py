"""Cards and oEmbed: what a crawler shows beside a link to a killmail, a battle or a board, if it may open the page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.arguments import id_or_none
from api.caller import visitor
from api.services import services_of
from api.site import battle_words
from api.site.card import FRONT, HEIGHT, WIDTH, Card, Cards, battle_card, board_card, killmail_card
from api.site.feed_shown import SHOWN
from api.site.killmail_words import name_of, sentence, title
from api.site.profile_page import read_profile
from api.site.shared_page import PROFILES, battle_of, eyes_of, holds, opened, unlisted
from db.accounts.share_links import Shared, Subject
from db.battles import read as battles
from db.battles.nodes import battle_nodes
from db.killmails.about import subject_of
from db.killmails.filter import Viewer
from db.killmails.rows import ByIdRead
from db.killmails.shown import is_shown
from db.killmails.statistics import statistics
from db.universe.profiles import ProfileKind

KINDS: dict[str, ProfileKind] = {"characters": "character", "corporations": "corporation", "alliances": "alliance"}
"""Profiles that have a card, by where their pages are."""


@dataclass(frozen=True, slots=True)
class Told:
    """A page in a title, a sentence and a picture."""

    title: str
    sentence: str
    card: Card


async def front_picture(request: Request) -> Response:
    """GET /card.png"""
    cards: Cards = request.app.state.cards
    picture = await cards.png(request.app.state.templates, FRONT)
    return Response(picture, media_type="image/png", headers={"Cache-Control": "public, max-age=86400"})


async def character_picture(request: Request) -> Response:
    """GET /characters/{id}/card.png"""
    return await _profile_picture(request, "character")


async def corporation_picture(request: Request) -> Response:
    """GET /corporations/{id}/card.png"""
    return await _profile_picture(request, "corporation")


async def alliance_picture(request: Request) -> Response:
    """GET /alliances/{id}/card.png"""
    return await _profile_picture(request, "alliance")


async def _profile_picture(request: Request, kind: ProfileKind) -> Response:
    """
    Raises:
        HTTPException: 401 nobody is signed in and nothing of it is public, 404 there is none.
    """
    return await _png(request, await _profile(request, kind, request.path_params["entity_id"]))


async def killmail_picture(request: Request) -> Response:
    """GET /killmails/{id}/card.png

    Raises:
        HTTPException: 401 nobody is signed in and it is not public, 404 the pilot may see no such killmail.
    """
    viewer = await visitor(request)
    return await _png(request, _seen(viewer, await _killmail(request, viewer, request.path_params["killmail_id"])))


async def battle_picture(request: Request) -> Response:
    """GET /battles/{id}/card.png

    Raises:
        HTTPException: 401 nobody is signed in and it is not public, 404 the pilot may see no such battle.
    """
    viewer = await visitor(request)
    return await _png(request, _seen(viewer, await _battle(request, viewer, request.path_params["killmail_id"])))


async def shared_picture(request: Request) -> Response:
    """GET /s/TOKEN/card.png and /s/TOKEN/killmails/{id}/card.png

    Raises:
        HTTPException: 404, the link opens nothing.
    """
    found = await opened(request, request.path_params["token"])
    told = await _shared(request, found, request.path_params.get("killmail_id"))
    return unlisted(await _png(request, told))


async def oembed(request: Request) -> Response:
    """GET /oembed: `url`, of a page of ours; `format`, of which there is JSON alone (oembed.com).

    Raises:
        HTTPException: 401 it is not public, 404 no page that can be embedded, 501 another format.
    """
    if request.query_params.get("format", "json") != "json":
        raise HTTPException(501)
    site_url, url = services_of(request).settings.site_url, request.query_params.get("url", "")
    if not url.startswith(f"{site_url}/"):
        raise HTTPException(404)
    path = urlsplit(url).path
    told = await _at(request, path)
    answer = {
        "version": "1.0",
        "type": "link",
        "title": told.title,
        "provider_name": "KillReport",
        "provider_url": site_url,
        "thumbnail_url": f"{site_url}{path}/card.png",
        "thumbnail_width": WIDTH,
        "thumbnail_height": HEIGHT,
    }
    response = Response(orjson.dumps(answer), media_type="application/json", headers={"Cache-Control": "no-store"})
    return unlisted(response)


async def _at(request: Request, path: str) -> Told:
    match path.strip("/").split("/"):
        case ["killmails", number]:
            told = await _killmail(request, await visitor(request), id_or_none(number))
            if told is None:
                raise HTTPException(401)
            return told
        case ["characters" | "corporations" | "alliances" as kinds, number]:
            return await _profile(request, KINDS[kinds], id_or_none(number))
        case ["battles", number]:
            told = await _battle(request, await visitor(request), id_or_none(number))
            if told is None:
                raise HTTPException(401)
            return told
        case ["s", token]:
            return await _shared(request, await opened(request, token), None)
        case ["s", token, "killmails", number]:
            return await _shared(request, await opened(request, token), id_or_none(number))
    raise HTTPException(404)


async def _shared(request: Request, found: Shared, killmail_id: int | None) -> Told:
    """What a share link shows, or one killmail on the board that it opens."""
    told: Told | None = None
    if killmail_id is not None:
        if await holds(request, found, killmail_id):
            told = await _killmail(request, eyes_of(request, found), killmail_id)
    elif found.subject is Subject.KILLMAIL:
        told = await _killmail(request, found.viewer, found.subject_id)
    elif found.subject is Subject.BATTLE:
        told = await _told(request, await battle_of(request, found))
    else:
        told = await _board(request, found)
    if told is None:
        raise HTTPException(404)
    return told


def _seen(viewer: Viewer, told: Told | None) -> Told:
    if told is None:
        raise HTTPException(401 if viewer.is_stranger else 404)
    return told


async def _killmail(request: Request, viewer: Viewer, killmail_id: int | None) -> Told | None:
    page = await services_of(request).compiled.page(SHOWN, ByIdRead(viewer, [killmail_id] if killmail_id else []))
    if not page.texts:
        return None
    (found,) = page.killmails()
    return Told(title(found), sentence(found), killmail_card(found))


async def _battle(request: Request, viewer: Viewer, killmail_id: int | None) -> Told | None:
    found = None if killmail_id is None else await battles.battle_of(services_of(request).pool, viewer, killmail_id)
    return None if found is None else await _told(request, found)


async def _told(request: Request, battle: battles.Battle) -> Told:
    (node,) = await battle_nodes(services_of(request).compiled.names, [battle])
    return Told(battle_words.title(node), battle_words.sentence(node), battle_card(node))


async def _profile(request: Request, kind: ProfileKind, entity_id: int | None) -> Told:
    """
    Raises:
        HTTPException: 401 nobody is signed in and nothing of it is public, 404 there is none.
    """
    viewer, pool = await visitor(request), services_of(request).pool
    if viewer.is_stranger and not (entity_id and await is_shown(pool, viewer, kind, entity_id)):
        raise HTTPException(401)  # whether there is one is not theirs to know
    return await _told_of(request, viewer, kind, entity_id)


async def _board(request: Request, found: Shared) -> Told:
    return await _told_of(request, found.viewer, PROFILES[found.subject], found.subject_id)


async def _told_of(request: Request, viewer: Viewer, kind: ProfileKind, entity_id: int | None) -> Told:
    profile = await read_profile(request, kind, entity_id)
    subject = subject_of(kind, profile.entity_id)
    numbers = await statistics(services_of(request).pool, viewer, subject, None, None, sections=())
    name = name_of(profile.node, kind)
    return Told(f"{name} · KillReport", f"{name}: killmails and statistics.", board_card(name, numbers))


async def _png(request: Request, told: Told) -> Response:
    cards: Cards = request.app.state.cards
    picture = await cards.png(request.app.state.templates, told.card)
    # As the page itself: what is taken back is not shown by whoever kept a copy for others.
    return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})
