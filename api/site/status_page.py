"""GET /status: whether all is well, for everybody; no pilot is named on it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.caller import caller
from api.pages import render
from api.services import services_of
from api.site.standing import by_group, standing
from contracts.plurals import counted
from db.syncs.overview import runs_by_hour


async def status(request: Request) -> Response:
    """The page; it answers, and says so, when Temporal or Redis does not."""
    await caller(request)  # for the navigation
    services = services_of(request)
    found = await standing(services)
    return render(
        request,
        "status.html",
        standing=found,
        budgets=None if found.buckets is None else by_group(found.buckets),
        hours=await runs_by_hour(services.pool),
        interval=in_words(services.settings.sync_interval_seconds),
    )


def in_words(seconds: int) -> str:
    """What follows "every": whole minutes as minutes, anything else in seconds."""
    count, unit = (seconds, "second") if seconds % 60 else (seconds // 60, "minute")
    return unit if count == 1 else counted(count, unit)
