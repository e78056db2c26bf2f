"""What `GET /graphql` shows a browser: GraphiQL where it has been built, else a small page of our own.

docs/decisions/0054-graphiql-is-built-from-packages.md says why it is built, and what its page may that others may not.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.pages import render
from api.serving.security_headers import content_security_policy
from api.site.static_files import GRAPHIQL, STATIC
from settings import Settings


class BuiltGraphiql(msgspec.Struct, frozen=True):
    """The files of GraphiQL that its page names; the others are loaded by them (`deploy/graphiql/build.mjs`)."""

    script: str
    style: str


def built_graphiql(folder: Path = STATIC / GRAPHIQL) -> BuiltGraphiql | None:
    """None: `make graphiql` was not run here."""
    try:
        return msgspec.json.decode((folder / "built.json").read_bytes(), type=BuiltGraphiql)
    except FileNotFoundError:
        return None


class Explorer:
    """Answers with the page."""

    def __init__(self, settings: Settings) -> None:
        self.graphiql = built_graphiql()
        # Monaco, its editor, writes style attributes as it draws, and its style sheet draws with data: images.
        self._policy = content_security_policy(settings, style_src="'unsafe-inline'", img_src="data:")

    def __call__(self, request: Request) -> Response:
        if self.graphiql is None:
            return render(request, "explorer.html")
        page = render(request, "graphiql.html", address=f"/static/{GRAPHIQL}", **msgspec.structs.asdict(self.graphiql))
        page.headers["Content-Security-Policy"] = self._policy
        return page
