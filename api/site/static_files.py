"""Our own files: addresses with the hash of what is in them, which a browser may keep for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
DAY = "public, max-age=86400"
GRAPHIQL = "graphiql"
"""The folder of GraphiQL's files, once `make graphiql` has made it; the name of each holds its hash."""
_HASHES = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in STATIC.iterdir() if path.is_file()}
_WHERE_BROWSERS_LOOK = {
    "/favicon.ico": ("favicon.ico", "image/vnd.microsoft.icon"),
    "/apple-touch-icon.png": ("icon-180.png", "image/png"),
    "/site.webmanifest": ("site.webmanifest", "application/manifest+json"),
}
"""Files that browsers ask for at addresses of their own."""


def static(name: str) -> str:
    """The address of a file, another one for another content."""
    return f"/static/{name}?v={_HASHES[name]}"


class HashedFiles(StaticFiles):
    """The files under /static. Without the right hash in its address a file may be kept, but is asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """
        Raises:
            HTTPException: 404, there is no such file.
        """
        response = await super().get_response(path, scope)
        asked = scope["query_string"].decode("latin-1")
        hashed = path.startswith(f"{GRAPHIQL}/") or (path in _HASHES and asked == f"v={_HASHES[path]}")
        response.headers["Cache-Control"] = FOR_GOOD if hashed else ASK_AGAIN
        return response


def _file(name: str, media_type: str) -> FileResponse:
    return FileResponse(STATIC / name, media_type=media_type, headers={"Cache-Control": DAY})


def _route(address: str, name: str, media_type: str) -> Route:
    async def answer(_: object) -> Response:
        return _file(name, media_type)

    return Route(address, answer)


ICON_ROUTES = tuple(_route(address, *file) for address, file in _WHERE_BROWSERS_LOOK.items())
