"""/graphql over HTTP: the GraphQL-over-HTTP contract, and what keeps strangers from abusing a cookie.

A POST is JSON: a form or multipart body could be sent by any web page with the visitor's cookie. A GET runs
queries only, which change nothing, and no other site can read the answer.
"""

from __future__ import annotations

from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response

from api.caller import BadCredentials, Way, caller, caller_by, credentials_of
from api.errors import RETRY_SECONDS, Code, plain_error
from api.graphql.admission import admit, with_cost
from api.graphql.documents import InvalidDocument
from api.graphql.execution import Answer, Context, Executor, MalformedRequest, Operation, refusal_answer
from api.services import services_of
from api.serving.admission import INVALID_COST, LimitReached, charge, identity_of, turn_away
from api.serving.request_guard import comes_from_us
from api.serving.request_log import request_id
from db.failures import database_is_away
from db.strangers import a_stranger_asks

MAX_BODY = 65_536
"""Bytes; the longest document we could want is a tenth of it."""
JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


async def graphql_http(request: Request) -> Response:
    """Answer an operation; show a browser that asks for no operation the explorer."""
    settings = services_of(request).settings
    if settings.graphql_explorer and _is_for_people(request):
        await _who_reads(request)
        page: Response = request.app.state.explorer(request)
        return page
    media_type = _media_type(request.headers.get("accept", "*/*"))
    if media_type is None:
        return _problem(406, f"Responses are available only as {GRAPHQL_RESPONSE} or {JSON}.")
    try:
        return await _answer(request, media_type)
    except _Unacceptable as refused:
        return _problem(refused.status, str(refused), media_type, code=refused.code, headers=refused.headers)
    except MalformedRequest as malformed:
        return _problem(400, str(malformed), media_type)
    except LimitReached as limit:
        return _json(limit.answer, 429, media_type, limit.verdict.headers())


async def _who_reads(request: Request) -> None:
    """For what surrounds the page; without the database it is a page for anybody."""
    try:
        await caller(request)
    except Exception as error:
        if not database_is_away(error):
            raise


async def _answer(request: Request, media_type: str) -> Response:
    """
    Raises:
        _Unacceptable, MalformedRequest, LimitReached: there is nothing to execute.
    """
    context = await _context(request)
    identity = identity_of(request, context.services, context.caller)
    turn_away(context.services, identity)
    operation = Operation.from_json(await _from_body(request) if request.method == "POST" else _from_url(request))
    executor: Executor = request.app.state.graphql
    planned, verdict = await admit(executor, operation, context, identity)
    if isinstance(planned, InvalidDocument):
        answer = refusal_answer(planned, context)
    elif request.method != "POST" and planned.kind == OperationType.MUTATION:
        raise _Unacceptable(405, "Mutations must be sent by POST.", headers={"Allow": "POST"})
    else:
        answer = with_cost(await executor.answer(planned, context), planned, verdict)
    headers = verdict.headers() if verdict else {}
    if _tells_nothing(answer):
        return _json(answer, 503, media_type, {**headers, "Retry-After": str(RETRY_SECONDS)})
    return _json(answer, _status(answer, media_type), media_type, headers)


async def _context(request: Request) -> Context:
    """Who asks, and what they reach.

    Raises:
        _Unacceptable: another site made a browser send this with its cookie, or the API key opens nothing.
        LimitReached: keys that open nothing came from this address again and again.
    """
    services = services_of(request)
    try:
        credentials = credentials_of(request)
        # A cookie goes along by itself; a key does not, and who brings nothing has nothing to lose.
        if (credentials is not None and credentials.way is Way.SESSION) and not comes_from_us(
            request.headers, services.settings.site_url, require_proof=False
        ):
            raise _Unacceptable(403, "Requests from other sites are refused.", code=Code.FORBIDDEN)
        if credentials is not None and credentials.way is Way.API_KEY:
            turn_away(services, identity_of(request, services, None))
        caller = await caller_by(credentials, services.pool)
    except BadCredentials as bad:
        await charge(services, identity_of(request, services, None), INVALID_COST)
        challenge = {"WWW-Authenticate": 'Bearer realm="KillReport", error="invalid_token"'}
        raise _Unacceptable(401, str(bad), code=Code.UNAUTHENTICATED, headers=challenge) from None
    if caller is None:
        a_stranger_asks()
    return Context(services, caller, credentials, request_id(request))


def _is_for_people(request: Request) -> bool:
    asks_nothing = request.method != "POST" and not request.query_params
    return asks_nothing and "text/html" in request.headers.get("accept", "")


def _status(answer: Answer, media_type: str) -> int:
    """200 for what was executed, if only in part, or tried to be.

    The older media type answers 200 to any well-formed request (GraphQL over HTTP, "application/json"): its clients
    know no other way to tell an answer of ours from one of some proxy between.
    """
    return 200 if "data" in answer or media_type == JSON else 400


def _tells_nothing(answer: Answer) -> bool:
    """Whether all of it is missing because the database did not answer."""
    lost = any(error["extensions"]["code"] == Code.UNAVAILABLE for error in answer.get("errors", ()))
    return lost and all(value is None for value in (answer.get("data") or {}).values())


class _Unacceptable(Exception):
    """This request is not executed; the message is for the client."""

    def __init__(
        self, status: int, message: str, *, code: Code = Code.BAD_REQUEST, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


def _from_url(request: Request) -> dict[str, Any]:
    """The parameters of a GET (GraphQL over HTTP, "GET"): `variables` and `extensions` are JSON in the URL."""
    parameters: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            try:
                parameters[name] = orjson.loads(parameters[name])
            except orjson.JSONDecodeError:
                raise MalformedRequest(f"`{name}` must be JSON.") from None
        else:
            parameters.pop(name, None)
    return {**parameters, "operationName": parameters.get("operationName") or None}


async def _from_body(request: Request) -> object:
    """The JSON of a POST.

    Raises:
        _Unacceptable: not JSON by its type, or too long.
        MalformedRequest: not JSON in truth.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise _Unacceptable(415, f"The body must be {JSON}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _Unacceptable(413, f"The body may have at most {MAX_BODY:,} bytes.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedRequest("The body is not JSON.") from None


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
