"""Pages and files are sent compressed to browsers that take it; answers that hold a secret are not.

docs/decisions/0039-what-is-compressed.md says why.
"""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LEVEL = 3
"""Of 9: a page of the feed, 50 kB, takes 0.2 ms and is 8.7 kB; level 5 takes 0.4 ms for 8.0 kB."""
AS_THEY_ARE = ("/auth/", "/settings", "/graphql", "/export/", "/metrics", "/healthz", "/readyz")
"""Where secrets are shown or sent, and what programs ask for in numbers."""

WITH_A_SECRET = ("/killmails/", "/s/")
"""Pages that may show a killmail's hash or a share link: compressed unless a query could put words beside it."""


class Compression:
    """ASGI middleware: compresses answers to GET, but for those whose secrets could be guessed by their length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        compressed = scope["type"] == "http" and scope["method"] == "GET" and not _may_be_guessed(scope)
        await (self._compressed if compressed else self._app)(scope, receive, send)


def _may_be_guessed(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(AS_THEY_ARE) or (path.startswith(WITH_A_SECRET) and bool(scope["query_string"]))
