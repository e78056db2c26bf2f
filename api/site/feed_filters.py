"""The panel of filters above the feed: a form whose fields take names, and what is chosen in it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api.caller import signed_in
from api.pages import render
from api.services import services_of
from api.site.feed_address import BANDS, IDS, FeedAddress
from api.site.labels import isk_of
from db.universe.search import Kind, names_of, search

KINDS: dict[str, Kind] = {
    "pilot": "CHARACTER",
    "corp": "CORPORATION",
    "alliance": "ALLIANCE",
    "ship": "TYPE",
    "group": "TYPE_GROUP",
    "system": "SOLAR_SYSTEM",
    "region": "REGION",
}
LABELS = {
    "pilot": "Pilot",
    "corp": "Corporation",
    "alliance": "Alliance",
    "ship": "Ship",
    "group": "Ship class",
    "system": "Solar system",
    "region": "Region",
}
AMOUNTS = {"min": "ISK from", "max": "ISK to"}
BAND_LABELS = {"high": "High-sec", "low": "Low-sec", "null": "Null-sec", "wormhole": "Wormholes"}
LONGEST = 100
SUGGESTED = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A query string with ids in the place of names. `changed`: it is not how the page's own links write it.

    `unknown`: a sentence for each thing that was typed and cannot be meant: the name of nothing, or no amount.
    """

    parameters: Mapping[str, str]
    changed: bool
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class Panel:
    """What the form shows. `names`: what is written in its fields for names; `chosen`: how many choices there are."""

    names: Mapping[str, str]
    chosen: int
    unknown: list[str]
    labels: Mapping[str, str]
    bands: Mapping[str, str]


async def asked(pool: asyncpg.Pool, query: QueryParams) -> Asked:
    """What a form or a link asks for; a name stands for the first that a search for it finds."""
    parameters = {name: value for name, value in query.items() if value.strip()}
    bands = [band for one in query.getlist("sec") for band in one.split(",") if band in BANDS]
    if bands:
        parameters["sec"] = ",".join(bands)
    changed = any(not value.strip() for _, value in query.multi_items()) or len(query.getlist("sec")) > 1
    unknown = []
    for name in IDS:
        text = " ".join(parameters.get(name, "")[:LONGEST].split())
        if not text or text.isdecimal():
            continue
        hits = await search(pool, text, [KINDS[name]], 1)
        if hits:
            parameters[name], changed = str(hits[0].id), True
        else:
            del parameters[name]
            unknown.append(f"{LABELS[name]}: nothing here is called “{text}”.")
    for name, label in AMOUNTS.items():
        if (text := parameters.get(name, "").strip()[:LONGEST]) and isk_of(text) is None:
            unknown.append(f"{label}: “{text}” is no amount of ISK; write it as 250m, 1.5b or 1,000,000.")
    return Asked(parameters, changed and not unknown, unknown)


async def panel(pool: asyncpg.Pool, address: FeedAddress, unknown: list[str]) -> Panel:
    """The panel with this choice in it."""
    ids = {name: value for name in IDS if (value := getattr(address, name)) is not None}
    known = await names_of(pool, [(KINDS[name], value) for name, value in ids.items()])
    names = {name: known.get((KINDS[name], value), str(value)) for name, value in ids.items()}
    return Panel(names, len(address.panel), unknown, LABELS, BAND_LABELS)


async def suggestions(request: Request) -> Response:
    """GET /fragments/names: names of a kind that begin so, for a field of the panel. Parameters: `kind`, `q`."""
    await signed_in(request)
    kind = KINDS.get(request.query_params.get("kind", ""))
    text = " ".join(request.query_params.get("q", "")[:LONGEST].split())
    hits = await search(services_of(request).pool, text, [kind], SUGGESTED) if kind else []
    response = render(request, "_names_suggested.html", names=[hit.name for hit in hits])
    response.headers["X-Robots-Tag"] = "noindex"
    return response
