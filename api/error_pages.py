"""The pages for what is not there and for what went wrong on our side."""

from __future__ import annotations

import logging

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.graphql.errors import Code, plain_error
from api.rendering import render
from api.request_log import request_id

log = logging.getLogger(__name__)


async def http_error(request: Request, error: Exception) -> Response:
    """A page for the errors Starlette raises: no such page, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    missing = error.status_code == 404
    return _with_headers(
        render(
            request,
            "message.html",
            error.status_code,
            title="No such page" if missing else "This does not work here",
            happened="There is nothing at this address." if missing else "This address does not take such a request.",
            advice="It may have been mistyped, or the page has moved.",
            button="Go to the front page",
            address="/",
        ),
        error,
    )


async def server_error(request: Request, error: Exception) -> Response:
    """A page for a mistake of ours; the log has the whole story under the request's id. Starlette raises it again."""
    identity = request_id(request)
    log.error("request %s failed: %s", identity, type(error).__name__)
    if request.url.path == "/graphql":
        shown = plain_error(Code.INTERNAL, "Something went wrong on our side.")
        shown["extensions"]["requestId"] = identity
        return Response(orjson.dumps({"errors": [shown]}), 500, media_type="application/json")
    return render(
        request,
        "message.html",
        500,
        title="Something went wrong",
        happened="Something went wrong on our side, and your request was not finished.",
        advice=f"Try again in a moment. If it stays like this, tell the operator this number: {identity}.",
        button="Go to the front page",
        address="/",
    )


def _with_headers(response: Response, error: HTTPException) -> Response:
    response.headers.update(error.headers or {})
    return response
