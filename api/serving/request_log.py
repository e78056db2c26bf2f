"""An id for every request and one line in the log: method, path and status, never what is secret in an address.

A query string holds EVE's authorization code on its way back from the login; the path of a share link is the secret.
"""

from __future__ import annotations

import logging
import re
import secrets
import time

from prometheus_client import Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observability import REQUEST_ID

log = logging.getLogger(__name__)
SECONDS = Histogram(
    "killreport_http_request_seconds",
    "From a request to the end of its answer, by route and status.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
SHARED = re.compile(r"^/s/[^/]*")
"""The beginning of a share link's path, with its token (`api.site.shared_page`)."""
QUIET_PATHS = ("/healthz", "/readyz", "/static/")


def request_id(connection: HTTPConnection) -> str:
    """The id a person can quote to the operator; also in the X-Request-Id header."""
    identity: str = connection.scope["killreport.request_id"]
    return identity


class RequestLog:
    """ASGI middleware, the outermost of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        identity = scope["killreport.request_id"] = secrets.token_hex(8)
        REQUEST_ID.set(identity)
        status, started = 500, time.monotonic()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = identity
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - started
            if scope["type"] == "http":
                # The route, not the path: a path is whatever a client makes up.
                SECONDS.labels(getattr(scope.get("route"), "path", "none"), str(status)).observe(seconds)
            if scope["type"] == "http" and not scope["path"].startswith(QUIET_PATHS):
                took = seconds * 1000
                path = ascii(
                    SHARED.sub("/s/…", scope["path"])
                )  # escaped: a line break in a path would forge a line of the log
                log.info("%s %s %d in %.0f ms", scope["method"], path, status, took)
