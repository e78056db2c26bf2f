"""GET /search: pilots, corporations, alliances, ships and systems by name; the suggestions are a part of it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.caller import visitor
from api.pages import render
from api.services import services_of
from db.killmails.shown import search_for, sees_only_public
from db.universe.search import Hit, Kind

KINDS: dict[Kind, tuple[str, str]] = {
    "CHARACTER": ("character", "Pilot"),
    "CORPORATION": ("corporation", "Corporation"),
    "ALLIANCE": ("alliance", "Alliance"),
    "TYPE": ("type", "Ship or item"),
    "SOLAR_SYSTEM": ("system", "Solar system"),
}
"""What has a page: the word in its address, and what it is called."""
PICTURES: dict[Kind, str] = {"CHARACTER": "portrait", "CORPORATION": "logo", "ALLIANCE": "logo", "TYPE": "icon"}
"""What EVE's image server calls a picture of it; of a system there is none."""
LONGEST = 100
"""Characters of a name that are looked at; EVE's names have fewer."""
ON_A_PAGE = 50
SUGGESTED = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with a page. `what`: the kind in words. `picture`: its path at EVE's image server."""

    name: str
    what: str
    address: str
    picture: str | None


async def page(request: Request) -> Response:
    """`q`: the name or ticker. The one thing of exactly this name is gone to at once."""
    viewer, asked = await visitor(request), _asked(request)
    hits = await search_for(services_of(request).pool, viewer, asked, KINDS, ON_A_PAGE)
    exact = [hit for hit in hits if asked.lower() in (hit.name.lower(), (hit.ticker or "").lower())]
    if len(exact) == 1:
        return RedirectResponse(_found(exact[0]).address, 303)
    return render(
        request,
        "search.html",
        asked=asked,
        found=[_found(hit) for hit in hits],
        more=len(hits) == ON_A_PAGE,
        only_public=sees_only_public(viewer),
    )


async def suggestions(request: Request) -> Response:
    """GET /fragments/search: the first few hits as a list of links."""
    viewer = await visitor(request)
    hits = await search_for(services_of(request).pool, viewer, _asked(request), KINDS, SUGGESTED)
    response = render(request, "_search_hits.html", found=[_found(hit) for hit in hits])
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _asked(request: Request) -> str:
    return " ".join(request.query_params.get("q", "")[:LONGEST].split())


def _found(hit: Hit) -> Found:
    word, what = KINDS[hit.kind]
    name = f"{hit.name} [{hit.ticker}]" if hit.ticker else hit.name
    kind_of_picture = PICTURES.get(hit.kind)
    picture = f"{word}s/{hit.id}/{kind_of_picture}" if kind_of_picture else None
    return Found(name, what, f"/{word}s/{hit.id}", picture)
