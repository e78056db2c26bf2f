"""The pages for what is not there and for what went wrong on our side."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from http import HTTPStatus

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import DATABASE_AWAY, RETRY_SECONDS, Code, plain_error
from api.login.return_to import remember_page
from api.pages import asked_for, render
from api.serving.request_log import request_id
from db.failures import database_is_away

log = logging.getLogger(__name__)
FOR_PROGRAMS = ("/graphql", "/export/")
"""Where errors are told as JSON."""


async def http_error(request: Request, error: Exception) -> Response:
    """A page for the errors that endpoints and Starlette raise. Its words are the error's own, if it has some."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    words = _WORDS.get(error.status_code, _NOT_LIKE_THIS)
    if error.status_code == 401 and request.method == "POST":
        words = replace(words, advice="Nothing was changed. Log in, then send it again.")
    own = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
    response = render(
        request,
        "message.html",
        error.status_code,
        title=words.title,
        happened=own or words.happened,
        advice=words.advice_of_page if own else words.advice,
        button=words.button,
        address=words.address,
    )
    if error.status_code == 401:
        remember_page(request, response)
    return _with_headers(response, error)


@dataclass(frozen=True, slots=True)
class Words:
    """What a page of an error says, and where its button goes."""

    title: str
    happened: str
    advice: str
    button: str = "Go to the front page"
    address: str = "/"
    own_advice: str = ""

    @property
    def advice_of_page(self) -> str:
        """What to do about what the page itself says has happened."""
        return self.own_advice or self.advice


_NOT_LIKE_THIS = Words(
    "That request did not work",
    "This address does not accept that kind of request.",
    "Go back and try again, or start over from the front page.",
)
_WORDS = {
    401: Words(
        "Log in to see this",
        "You are not logged in, or your session has expired; sessions end after 30 days without a visit.",
        "Log in, and you will come back to this page.",
        "Log in with EVE Online",
        "/auth/login",
    ),
    403: Words("You don't have access", "You are not allowed to see this page.", "Try another of your characters."),
    404: Words(
        "Page not found",
        "There is nothing at this address.",
        "Check the address, or search for the pilot, ship or solar system by name.",
        "Go to your killmails",
        own_advice="If it belongs to another of your characters, log in with that one; or search by name above.",
    ),
    413: Words("That is too much at once", "What was sent is far too long.", "Send less, or in parts."),
}


LONGEST_NUMBER = 12
"""Digits of a length; more are more than any body has."""


class ServerErrors:
    """ASGI middleware: what no endpoint caught is logged under the request's id, and told without its details.

    Starlette's own place for this lies outside every middleware, so its answers would lack our headers.
    """

    def __init__(self, app: ASGIApp, longest_body: int) -> None:
        self._app = app
        self._longest_body = longest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._says_too_much(scope):
            await (await _too_long(Request(scope)))(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:  # in the middle of its request: nobody reads the answer, and nothing is wrong here
            await Response(status_code=400)(scope, receive, send)
        except Exception as error:
            request = Request(scope)
            if database_is_away(error):
                log.warning("request %s: the database does not answer (%s)", request_id(request), type(error).__name__)
            else:
                log.exception("request %s failed", request_id(request))
            if started:
                raise  # the server cuts the connection: half an answer must not look whole
            await (_away(request) if database_is_away(error) else _server_error(request))(scope, receive, send)

    def _says_too_much(self, scope: Scope) -> bool:
        said = Headers(scope=scope).get("content-length", "")
        return said.isdecimal() and (len(said) > LONGEST_NUMBER or int(said) > self._longest_body)


async def _too_long(request: Request) -> Response:
    if request.url.path.startswith(FOR_PROGRAMS):
        answer = orjson.dumps({"errors": [plain_error(Code.BAD_REQUEST, "The body is far too long.")]})
        return Response(answer, 413, {"Cache-Control": "no-store"}, media_type="application/json")
    return await http_error(request, HTTPException(413))


def _away(request: Request) -> Response:
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if request.url.path.startswith(FOR_PROGRAMS):
        answer = orjson.dumps({"errors": [plain_error(Code.UNAVAILABLE, DATABASE_AWAY)]})
        return Response(answer, 503, headers, media_type="application/json")
    response = render(
        request,
        "message.html",
        503,
        title="We are not reachable right now",
        happened=DATABASE_AWAY,
        advice="Nothing is lost: syncs resume where they stopped.",
        button="Try again",
        address=asked_for(request),
    )
    response.headers.update(headers)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address may hold EVE's code, as what a login ends with
    return response


def _server_error(request: Request) -> Response:
    identity = request_id(request)
    if request.url.path.startswith(FOR_PROGRAMS):
        shown = plain_error(Code.INTERNAL, "Something went wrong on our side.")
        shown["extensions"]["requestId"] = identity
        return Response(orjson.dumps({"errors": [shown]}), 500, media_type="application/json")
    return render(
        request,
        "message.html",
        500,
        title="Something went wrong",
        happened="Something went wrong on our side, and your request was not completed.",
        advice=f"Try again in a moment. If it keeps happening, give the operator this number: {identity}.",
        button="Go to the front page",
        address="/",
    )


def _with_headers(response: Response, error: HTTPException) -> Response:
    response.headers.update(error.headers or {})
    return response
