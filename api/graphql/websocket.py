"""GraphQL over WebSocket, subprotocol `graphql-transport-ws` (github.com/enisdenjo/graphql-ws, PROTOCOL.md).

Our own handler: Ariadne's closes refused connections with 1000 (clients then reconnect without end), leaves a task
behind each connection, raises on malformed messages and runs queries inside its receive loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from enum import IntEnum
from typing import Any, cast

import orjson
from graphql import ExecutionResult, GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from api.authentication import BadCredentials, Credentials, bearer, caller_by, credentials_of
from api.graphql.admission import LimitReached, admit, identity_of, turn_away, with_cost
from api.graphql.documents import InvalidDocument
from api.graphql.errors import internal_error
from api.graphql.execution import Context, Executor, MalformedRequest, Operation, refusal_answer, result_answer
from api.graphql.subscriptions import SessionEnded
from api.live_feed import SlowReader
from api.rate_limits import Identity
from api.request_guard import comes_from_us
from api.request_log import request_id
from api.services import services_of

log = logging.getLogger(__name__)

SUBPROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
SEND_SECONDS = 30.0
MAX_MESSAGE = 65_536
"""Characters of one message."""
MAX_OPERATIONS = 20
"""Operations running on one socket at a time."""
MAX_SOCKETS = 20
"""Sockets of one account on one process at a time."""


class CloseCode(IntEnum):
    """The protocol's own, and 1013 (IANA: try again later), after which clients connect again.

    Who is nobody, or nobody any more, gets 4401: the client `graphql-ws` gives up on it, but tries 4403 again.
    """

    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    SUBSCRIBER_ALREADY_EXISTS = 4409
    TOO_MANY_INITS = 4429


class Closing(Exception):
    """The socket must be closed, with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def graphql_websocket(websocket: WebSocket) -> None:
    """Serve one socket until it closes. A foreign Origin is refused before the handshake (cookies are sent along)."""
    services = services_of(websocket)
    if not comes_from_us(websocket.headers, services.settings.site_url, require_proof=False):
        await websocket.close()
        return
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, f"Only {SUBPROTOCOL} is spoken here")
        return
    await websocket.accept(SUBPROTOCOL)
    socket = _Socket(websocket)
    # A socket that died while we wrote to it is not worth a line in the log.
    with contextlib.suppress(WebSocketDisconnect, WebSocketDisconnected):
        await socket.serve()


class _Socket:
    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._executor: Executor = websocket.app.state.graphql
        self._sockets: dict[int, int] = websocket.app.state.sockets_of_account
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._context: Context | None = None
        self._identity: Identity | None = None
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        receiving = asyncio.create_task(self._receive())
        try:
            await asyncio.wait((receiving, self._closing), return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                closing = self._closing.result()
                async with asyncio.timeout(SEND_SECONDS):
                    await self._websocket.close(closing.code, closing.reason)
            else:
                receiving.result()
        except TimeoutError:
            log.info("a socket did not take its close frame")
        finally:
            tasks = [receiving, *self._operations.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._leave()

    async def _receive(self) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS) as patience:
                while True:
                    text = await self._websocket.receive_text()
                    await self._take(_message(text))
                    if self._context is not None:
                        patience.reschedule(None)
        except KeyError:
            self._close(CloseCode.BAD_REQUEST, "Messages are text")
        except TimeoutError:
            self._close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")
        except Closing as closing:
            self._close(closing.code, closing.reason)

    async def _take(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._initialise(message.get("payload"))
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                self._subscribe(message)
            case "complete":
                if (operation := self._operations.pop(_identity(message), None)) is not None:
                    operation.cancel()
            case _:
                raise Closing(CloseCode.BAD_REQUEST, "Unknown message type")

    async def _initialise(self, payload: object) -> None:
        if self._context is not None:
            raise Closing(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        services = services_of(self._websocket)
        try:
            credentials = _presented(payload) or credentials_of(self._websocket)
            caller = await caller_by(credentials, services.pool)
        except BadCredentials as bad:
            raise Closing(CloseCode.UNAUTHORIZED, f"Unauthorized: {bad}") from None
        if caller is None:
            raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized: log in first")
        if self._sockets.get(caller.account_id, 0) >= MAX_SOCKETS:
            raise Closing(CloseCode.FORBIDDEN, "Forbidden: too many sockets of one account")
        self._sockets[caller.account_id] = self._sockets.get(caller.account_id, 0) + 1
        self._identity = identity_of(self._websocket, services, caller)
        self._context = Context(services, caller, credentials, request_id(self._websocket))
        await self._send({"type": "connection_ack"})

    def _leave(self) -> None:
        if self._context is not None and self._context.caller is not None:
            account_id = self._context.caller.account_id
            self._sockets[account_id] -= 1
            if not self._sockets[account_id]:
                del self._sockets[account_id]

    def _subscribe(self, message: Mapping[str, Any]) -> None:
        if self._context is None:
            raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized: send connection_init first")
        identity = _identity(message)
        if identity in self._operations:
            raise Closing(CloseCode.SUBSCRIBER_ALREADY_EXISTS, "Subscriber for this id already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            raise Closing(CloseCode.FORBIDDEN, f"Forbidden: more than {MAX_OPERATIONS} operations at a time")
        try:
            operation = Operation.from_json(message.get("payload"))
        except MalformedRequest as malformed:
            raise Closing(CloseCode.BAD_REQUEST, str(malformed)) from None
        # A task of its own: a slow query must not hold up the next message, nor a pong.
        self._operations[identity] = asyncio.create_task(self._operate(identity, operation, self._context))

    async def _operate(self, identity: str, operation: Operation, context: Context) -> None:
        try:
            await self._run(identity, operation, context)
        except SlowReader:
            self._close(CloseCode.TRY_AGAIN_LATER, "Too slow: connect again and read what you missed")
        except SessionEnded:
            self._close(CloseCode.UNAUTHORIZED, "Unauthorized: the session ended")
        except TimeoutError:
            self._close(CloseCode.TRY_AGAIN_LATER, "Too slow")
        except (WebSocketDisconnect, WebSocketDisconnected):
            pass  # the receiving side sees it too
        except Exception as error:  # noqa: BLE001 - the boundary: logged, masked and said to the client
            failure = error.original_error if isinstance(error, GraphQLError) and error.original_error else error
            await self._error(identity, [internal_error(failure, context.request_id)])
        finally:
            if self._operations.get(identity) is asyncio.current_task():
                del self._operations[identity]

    async def _run(self, identity: str, operation: Operation, context: Context) -> None:
        assert self._identity is not None  # noqa: S101 - set with the context
        try:
            turn_away(context.services, self._identity)
            planned, verdict = await admit(self._executor, operation, context, self._identity)
        except LimitReached as limit:
            await self._error(identity, limit.answer["errors"])
            return
        if isinstance(planned, InvalidDocument):
            await self._error(identity, refusal_answer(planned, context)["errors"])
            return
        answer = await self._executor.stream(planned, context)
        if isinstance(answer, dict):
            if "data" not in answer:
                await self._error(identity, answer["errors"])
                return
            await self._next(identity, with_cost(answer, planned, verdict))
        else:
            await self._follow(identity, answer, context)
        await self._send({"type": "complete", "id": identity})

    async def _follow(self, identity: str, stream: AsyncIterator[ExecutionResult], context: Context) -> None:
        async with contextlib.aclosing(cast(AsyncGenerator[ExecutionResult, None], stream)):
            async for result in stream:
                await self._next(identity, result_answer(result, context))

    async def _next(self, identity: str, payload: dict[str, Any]) -> None:
        await self._send({"type": "next", "id": identity, "payload": payload})

    async def _error(self, identity: str, errors: list[dict[str, Any]]) -> None:
        await self._send({"type": "error", "id": identity, "payload": errors})

    async def _send(self, message: Mapping[str, Any]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._websocket.send_text(orjson.dumps(message).decode())

    def _close(self, code: CloseCode, reason: str) -> None:
        if not self._closing.done():
            self._closing.set_result(Closing(code, reason))


def _presented(payload: object) -> Credentials | None:
    """The API key in the payload of `connection_init`: a browser's program cannot set a header on a socket.

    Raises:
        BadCredentials: it is none.
    """
    if not isinstance(payload, dict):
        return None
    said = next((value for name, value in payload.items() if str(name).lower() == "authorization"), None)
    if said is None:
        return None
    if not isinstance(said, str):
        raise BadCredentials
    return bearer(said)


def _message(text: object) -> Mapping[str, Any]:
    """A message of the protocol.

    Raises:
        Closing: it is none.
    """
    if not isinstance(text, str):
        raise Closing(CloseCode.BAD_REQUEST, "Messages are text")
    if len(text) > MAX_MESSAGE:
        raise Closing(CloseCode.BAD_REQUEST, f"A message may have {MAX_MESSAGE} characters")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Closing(CloseCode.BAD_REQUEST, "A message is JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Closing(CloseCode.BAD_REQUEST, "A message is an object with a `type`")
    return message


def _identity(message: Mapping[str, Any]) -> str:
    identity = message.get("id")
    if not isinstance(identity, str) or not identity:
        raise Closing(CloseCode.BAD_REQUEST, "This message needs an `id`")
    return identity
