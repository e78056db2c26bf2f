"""GET /export/killmails.csv and .ndjson: the killmails of a filter, as a stream that can be taken up again.

Parameters: `filter` (JSON, a `KillmailFilter` of `schema.graphql`), `orderBy`, and `after`, the cursor of the last
line that arrived. The caller is who they are for GraphQL, and sees what they see there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
import orjson
from graphql import GraphQLError, GraphQLInputObjectType, GraphQLSchema
from graphql.utilities import coerce_input_value, validate_input_value
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.arguments import killmail_filter
from api.caller import BadCredentials, Credentials, Way, caller_by, credentials_of, viewer_or_stranger
from api.errors import TOO_SLOW, Code, Refused, plain_error
from api.exports.lines import MEDIA_TYPES, Format, killmail_lines
from api.services import services_of
from api.serving.admission import INVALID_COST, LimitReached, charge, identity_of, turn_away
from db.accounts.sessions import Caller, Scope
from db.killmails.feed import InvalidCursor, KillmailFilter, Order, Viewer
from db.strangers import a_stranger_asks

ADDRESS = "/export/killmails.{form}"
COST = 1_000
"""Of an export, in the caller's bucket of GraphQL. It reads one page after the other: a long one weighs no more at a
time than a short one."""


class _Refused(Exception):
    """The export does not begin; the message is for the client."""

    def __init__(self, status: int, code: Code, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


async def export_killmails(request: Request) -> Response:
    """The stream, or the reason in JSON why there is none."""
    if request.path_params["form"] not in MEDIA_TYPES:
        raise HTTPException(404)
    form = cast(Format, request.path_params["form"])
    services = services_of(request)
    try:
        credentials = await _credentials(request)
        caller, _ = await _asks(request, credentials)
        identity = identity_of(request, services, caller)
        turn_away(services, identity)
        await charge(services, identity, COST)
        chosen, order = _chosen(request), _order(request)
        lines = killmail_lines(
            services.compiled,
            lambda: _viewer(request, credentials),
            chosen,
            order,
            request.query_params.get("after") or None,
            form,
        )
        # The first page is read before the answer begins: what is wrong with the request shows there.
        first = await anext(lines)
    except _Refused as refused:
        return _problem(refused.status, refused.code, str(refused))
    except LimitReached as limit:
        return _json(429, limit.answer, limit.verdict.headers())
    except asyncpg.QueryCanceledError:
        return _problem(503, Code.TIMEOUT, TOO_SLOW)
    except InvalidCursor:
        return _problem(400, Code.BAD_USER_INPUT, "`after` is not a valid cursor for this list and order.")
    except Refused as refused:
        return _problem(400, Code.BAD_USER_INPUT, refused.message)
    return StreamingResponse(
        _from(first, lines),
        media_type=MEDIA_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="killmails.{form}"',
            "Cache-Control": "no-store",
        },
    )


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for lines in rest:
        yield lines


async def _credentials(request: Request) -> Credentials | None:
    """What the caller shows. Keys that open nothing are paid for from the bucket of where they come from."""
    services = services_of(request)
    try:
        credentials = credentials_of(request)
        if credentials is not None and credentials.way is Way.API_KEY:
            turn_away(services, identity_of(request, services, None))
            await caller_by(credentials, services.pool)
    except BadCredentials as bad:
        await charge(services, identity_of(request, services, None), INVALID_COST)
        raise _Refused(401, Code.UNAUTHENTICATED, str(bad)) from None
    return credentials


async def _asks(request: Request, credentials: Credentials | None) -> tuple[Caller | None, Viewer]:
    """Who asks, and what they may see: of strangers, what is public."""
    services = services_of(request)
    try:
        caller = await caller_by(credentials, services.pool)
    except BadCredentials as bad:
        raise _Refused(401, Code.UNAUTHENTICATED, str(bad)) from None
    if caller is None:
        a_stranger_asks()
    viewer = await viewer_or_stranger(services, caller)
    if viewer is None:
        raise _Refused(401, Code.UNAUTHENTICATED, "Log in, or send an API key, to export killmails.")
    if caller is not None and Scope.READ not in caller.scopes:
        raise _Refused(403, Code.FORBIDDEN, "This API key lacks the READ scope.")
    return caller, viewer


async def _viewer(request: Request, credentials: Credentials | None) -> Viewer:
    """What the caller may see by now. One whose session ended finds the stream broken off, not finished."""
    caller, viewer = await _asks(request, credentials)
    if credentials is not None and caller is None:
        raise _Refused(401, Code.UNAUTHENTICATED, "The session ended.")
    return viewer


def _chosen(request: Request) -> KillmailFilter:
    text = request.query_params.get("filter")
    if not text:
        return KillmailFilter()
    schema: GraphQLSchema = request.app.state.schema
    kind = cast(GraphQLInputObjectType, schema.type_map["KillmailFilter"])
    errors: list[GraphQLError] = []
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _Refused(400, Code.BAD_USER_INPUT, "`filter` must be JSON.") from None
    validate_input_value(value, kind, lambda error, _: errors.append(error))
    if errors:
        raise _Refused(400, Code.BAD_USER_INPUT, f"`filter`: {errors[0].message}")
    given: dict[str, Any] | None = coerce_input_value(value, kind)
    return killmail_filter(given)


def _order(request: Request) -> Order:
    order = request.query_params.get("orderBy") or "TIME"
    if order not in ("TIME", "VALUE"):
        raise _Refused(400, Code.BAD_USER_INPUT, "`orderBy` must be TIME or VALUE.")
    return cast(Order, order)


def _problem(status: int, code: Code, message: str) -> Response:
    return _json(status, {"errors": [plain_error(code, message)]}, {})


def _json(status: int, answer: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(
        orjson.dumps(answer), status, {"Cache-Control": "no-store", **headers}, media_type="application/json"
    )
