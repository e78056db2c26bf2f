"""Pages and forms are paid from their caller's bucket, as operations and exports are."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.caller import caller
from api.pages import asked_for, render
from api.services import services_of
from api.serving.admission import LimitReached, charge, identity_of, turn_away
from api.site.static_files import ICON_ROUTES
from db.accounts.sessions import Caller
from db.failures import database_is_away
from db.strangers import a_stranger_asks

UNPAID = ("/static/", *(route.path for route in ICON_ROUTES), "/healthz", "/readyz", "/metrics", "/graphql", "/export/")
"""Files and probes; and what has its own price."""
PAGE_COST = 100
LOGIN_COST = 2_000
"""Begins what EVE must be asked for, and writes to the database for anybody."""


class PageLimits:
    """ASGI middleware, below the one that turns errors into pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(UNPAID):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            await self._pay(request)
        except LimitReached as limit:
            response = render(
                request,
                "message.html",
                429,
                title="That was a lot at once",
                happened=f"You asked for more pages within a minute than we serve to one visitor. {limit}",
                advice="Wait until then; nothing is lost. Programs get further with the API.",
                button="Try again",
                address=asked_for(request),
            )
            response.headers.update(limit.verdict.headers())
            response.headers["Referrer-Policy"] = "no-referrer"  # it may hold EVE's code, as what a login ends with
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _pay(self, request: Request) -> None:
        """
        Raises:
            LimitReached
        """
        services = services_of(request)
        # A cookie is looked up even where its address was refused: a neighbour must not lock a pilot out.
        who = await self._caller(request)
        if who is None:
            a_stranger_asks()
        identity = identity_of(request, services, who)
        turn_away(services, identity)
        cost = LOGIN_COST if request.url.path.startswith("/auth/") else PAGE_COST
        await charge(services, identity, min(cost, identity.quota.cost))

    async def _caller(self, request: Request) -> Caller | None:
        try:
            return await caller(request)
        except Exception as error:
            if not database_is_away(error):
                raise
            return None  # whoever needs to know fails by it
