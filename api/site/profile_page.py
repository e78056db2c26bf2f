"""The pages of a pilot, a corporation, an alliance, a solar system and a type: numbers, charts, top lists, killmails.

All of them count and list only what the reader may see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import visitor
from api.pages import render
from api.services import services_of
from api.site.charts import activity_chart, daily_chart, efficiency_chart
from api.site.feed_address import FeedAddress
from api.site.feed_shown import SHOWN, ShownFeed, cut_days, shown_feed
from api.site.period import Period, by_calendar, periods
from api.site.top_lists import top_lists
from db.killmails.about import killmails_about, subject_of
from db.killmails.company import company_of
from db.killmails.cursors import InvalidCursor
from db.killmails.filter import Viewer
from db.killmails.rows import FeedRead
from db.killmails.shown import is_shown
from db.killmails.statistics import statistics
from db.universe.affiliations import Affiliation, affiliation_of
from db.universe.profiles import ProfileKind, profile_of

PAGE_SIZE = 10
TOP = 6


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose page it is. `node`: as `schema.graphql` has it. `path`: the page's address."""

    kind: ProfileKind
    entity_id: int
    node: dict[str, Any]
    path: str


async def character(request: Request) -> Response:
    """GET /characters/{id}"""
    return await _page(request, "character", request.path_params["entity_id"])


async def corporation(request: Request) -> Response:
    """GET /corporations/{id}"""
    return await _page(request, "corporation", request.path_params["entity_id"])


async def alliance(request: Request) -> Response:
    """GET /alliances/{id}"""
    return await _page(request, "alliance", request.path_params["entity_id"])


async def system(request: Request) -> Response:
    """GET /systems/{id}"""
    return await _page(request, "system", request.path_params["entity_id"])


async def type_(request: Request) -> Response:
    """GET /types/{id}"""
    return await _page(request, "type", request.path_params["entity_id"])


async def _page(request: Request, kind: ProfileKind, entity_id: int | None) -> Response:
    """Parameters: those of `FeedAddress` but whose killmails they are; `compare=1`: with the time before.

    Raises:
        HTTPException: 401 nobody is signed in and nothing of it is public, 404 nothing of this kind has this id.
    """
    asker = await visitor(request)
    if asker.is_stranger and not (entity_id and await is_shown(services_of(request).pool, asker, kind, entity_id)):
        raise HTTPException(401)  # whether there is one is not theirs to know
    return await profile_answer(request, asker, await read_profile(request, kind, entity_id))


async def profile_answer(request: Request, asker: Viewer, profile: Profile) -> Response:
    """The page of a profile as this viewer sees it."""
    address = FeedAddress.of(request.query_params)
    address = address.but(character=None, corporation=None, all=None, after=address.after)
    period = Period.of(address.days)
    kind = profile.kind
    shown = await _killmails(request, asker, profile, address, period)
    pool, subject = services_of(request).pool, subject_of(kind, profile.entity_id)
    told = await statistics(pool, asker, subject, period.since, period.until, top=TOP)
    company = None
    if kind in ("character", "corporation", "alliance"):
        company = await company_of(pool, asker, kind, profile.entity_id, (period.since, period.until), TOP)
    return render(
        request,
        "profile.html",
        profile=profile,
        node=profile.node,
        feed=shown,
        told=told,
        period=period,
        periods=periods(address, profile.path, period),
        months=by_calendar(told, period, address, profile.path),
        charts=[
            chart
            for chart in (daily_chart(told, period), activity_chart(told), efficiency_chart(told, period))
            if chart is not None
        ],
        tops=top_lists(kind, told, company),
        affiliation=await _affiliation(request, profile),
        **await _compared(request, asker, profile, address, period),
    )


async def _affiliation(request: Request, profile: Profile) -> Affiliation:
    if profile.kind not in ("character", "corporation"):
        return Affiliation()
    return await affiliation_of(services_of(request).pool, profile.kind, profile.entity_id)


async def _compared(
    request: Request, asker: Viewer, profile: Profile, address: FeedAddress, period: Period
) -> dict[str, Any]:
    """The sums of the time before with `compare=1`, and the link that asks for them, or no longer does."""
    earlier, asked = period.before(), request.query_params.get("compare") == "1"
    here = address.but().at(profile.path)
    with_it = f"{here}{'&' if '?' in here else '?'}compare=1"
    before = None
    if earlier is not None and asked:
        subject = subject_of(profile.kind, profile.entity_id)
        pool = services_of(request).pool
        before = await statistics(pool, asker, subject, earlier.since, earlier.until, sections=())
    return {
        "before": before,
        "before_words": earlier.words if earlier else None,
        "compare": None if earlier is None else here if asked else with_it,
    }


async def read_profile(request: Request, kind: ProfileKind, entity_id: int | None, path: str | None = None) -> Profile:
    """Whose page it is.

    Raises:
        HTTPException: 404, nothing of this kind has this id.
    """
    pool = services_of(request).pool
    node = None if entity_id is None else await profile_of(pool, kind, entity_id)
    if entity_id is None or node is None:
        called = {"system": "solar system", "type": "ship or item"}.get(kind, kind)
        raise HTTPException(404, f"There is no {called} with this id on any killmail here.")
    return Profile(kind, entity_id, node, path or f"/{kind}s/{entity_id}")


async def _killmails(
    request: Request, asker: Viewer, profile: Profile, address: FeedAddress, period: Period
) -> ShownFeed:
    """Those of a month or a year that was chosen, else all."""
    chosen = killmails_about(profile.kind, profile.entity_id, address.filter())
    if period.calendar is not None:
        chosen = replace(chosen, since=period.since, until=period.until)

    async def page(after: str | None) -> ShownFeed:
        services, here = services_of(request), address.but(after=after)
        found = await services.compiled.page(SHOWN, FeedRead(asker, PAGE_SIZE, after, chosen, here.order))
        totals = await cut_days(services.pool, asker, chosen, found, here)
        has_sides = not (asker.is_stranger and profile.kind == "system")
        return shown_feed(found, here, profile.path, profile.path, totals, has_sides=has_sides)

    try:
        return await page(address.after)
    except InvalidCursor:
        return await page(None)
