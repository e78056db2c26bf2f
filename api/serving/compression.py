"""Pages and files are sent compressed to browsers that take it; answers that hold a secret are not.

docs/decisions/0042-what-is-compressed.md says why.
"""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LEVEL = 5
"""Of 9: a page of the feed takes a millisecond and is a tenth as large."""
AS_THEY_ARE = ("/auth/", "/settings", "/graphql", "/export/", "/metrics", "/healthz", "/readyz")
"""Where secrets are shown or sent, and what programs ask for in numbers."""


class Compression:
    """ASGI middleware: compresses answers to GET outside `AS_THEY_ARE`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith(AS_THEY_ARE)
        await (self._compressed if is_page else self._app)(scope, receive, send)
