"""GET /killmails/{id}: everything that is known of one killmail, for those who may see it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import signed_in
from api.exports.eft import eft
from api.pages import render
from api.services import services_of
from api.site.attackers import shown_attackers
from api.site.fit import shown_fit
from api.site.killmail_words import sentence, title
from db.killmails import feed as killmails

LINES_SHOWN = 150
"""Lines of the fit, so that a freighter's or a structure's holds do not make the page slow."""
ALL_LINES = 100_000


async def killmail(request: Request) -> Response:
    """`attackers`: which page of them. `items=all`: all lines of the fit.

    Raises:
        HTTPException: 401 nobody is signed in, 404 no such killmail among those the pilot may see.
    """
    who = await signed_in(request)
    killmail_id: int | None = request.path_params["killmail_id"]
    found = killmail_id and await killmails.killmail(services_of(request).pool, who.viewer, killmail_id)
    if not found:
        raise HTTPException(404, "This killmail is not here, or none of your characters and boards is on it.")
    at_most = ALL_LINES if request.query_params.get("items") == "all" else LINES_SHOWN
    return render(
        request,
        "killmail.html",
        killmail=found,
        title=title(found),
        sentence=sentence(found),
        fit=shown_fit(found["items"], at_most),
        eft=eft(found),
        attackers=shown_attackers(found, request.query_params.get("attackers")),
    )
