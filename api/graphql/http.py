"""POST /graphql: the GraphQL-over-HTTP contract, and what keeps strangers from abusing a cookie.

Only JSON is taken: a form or multipart body could be sent by any web page with the visitor's cookie.
"""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.browser_cookies import session_token
from api.graphql.errors import Code, plain_error
from api.graphql.execution import Answer, Context, Executor, MalformedRequest, Operation
from api.rendering import render
from api.request_guard import comes_from_us
from api.request_log import request_id
from api.services import services_of
from db.sessions import caller_of

MAX_BODY = 65_536
"""Bytes; the longest document we could want is a tenth of it."""
JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


async def graphql_http(request: Request) -> Response:
    """Answer a POST; show a browser the explorer on GET."""
    accepted = _media_type(request.headers.get("accept", "*/*"))
    if request.method != "POST":
        if "text/html" in request.headers.get("accept", ""):
            return render(request, "explorer.html")
        return _problem(405, "Send a POST with a JSON body.", headers={"Allow": "POST"})
    if accepted is None:
        return _problem(406, f"Answers are {GRAPHQL_RESPONSE} or {JSON}.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        return _problem(415, f"The body must be {JSON}.", accepted)
    if not comes_from_us(request.headers, services_of(request).settings.site_url, require_proof=False):
        return _problem(403, "Requests from other sites are refused.", accepted, code=Code.FORBIDDEN)
    body = await _body(request)
    if body is None:
        return _problem(413, f"The body may have {MAX_BODY} bytes.", accepted)
    try:
        operation = Operation.from_json(orjson.loads(body))
    except orjson.JSONDecodeError:
        return _problem(400, "The body is not JSON.", accepted)
    except MalformedRequest as malformed:
        return _problem(400, str(malformed), accepted)
    executor: Executor = request.app.state.graphql
    answer = await executor.answer(operation, await context_of(request))
    # The older media type answers 200 to any well-formed request (GraphQL over HTTP, appendix on application/json).
    status = 200 if "data" in answer or accepted == JSON else 400
    return _json(answer, status, accepted)


async def context_of(request: Request) -> Context:
    """Who asks, and what they reach."""
    services, token = services_of(request), session_token(request)
    caller = None if token is None else await caller_of(services.pool, token)
    return Context(services, caller, token, request_id(request))


async def _body(request: Request) -> bytes | None:
    """The body, or None as soon as it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _media_type(accept: str) -> str | None:
    """The answer's media type by what the client accepts, in its order among equals; None: neither of ours."""
    offers: list[tuple[float, int, str]] = []
    for position, offer in enumerate(accept.split(",")):
        kind, *parameters = (part.strip().lower() for part in offer.split(";"))
        known = {GRAPHQL_RESPONSE: GRAPHQL_RESPONSE, JSON: JSON, "application/*": JSON, "*/*": JSON}.get(kind)
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        if known and _quality(weight) > 0:
            offers.append((-_quality(weight), position, known))
    return min(offers)[2] if offers else None


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _json(answer: Answer, status: int, media_type: str, headers: dict[str, str] | None = None) -> Response:
    # A session's answers are nobody else's.
    return Response(
        orjson.dumps(answer),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        media_type=f"{media_type}; charset=utf-8",
    )


def _problem(
    status: int,
    message: str,
    media_type: str = JSON,
    *,
    code: Code = Code.BAD_REQUEST,
    headers: dict[str, str] | None = None,
) -> Response:
    return _json({"errors": [plain_error(code, message)]}, status, media_type, headers)
