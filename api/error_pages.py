"""The pages for what is not there and for what went wrong on our side."""

from __future__ import annotations

import logging

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class ServerErrors:
    """ASGI middleware: what no endpoint caught is logged under the request's id, and told without its details.

    Starlette's own place for this lies outside every middleware, so its answers would lack our headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            request = Request(scope)
            log.exception("request %s failed", request_id(request))
            if started:
                raise  # the server cuts the connection: half an answer must not look whole
            await _server_error(request)(scope, receive, send)


def _server_error(request: Request) -> Response:
    identity = request_id(request)
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
