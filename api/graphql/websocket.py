"""GraphQL over WebSocket, subprotocol `graphql-transport-ws` (github.com/enisdenjo/graphql-ws, PROTOCOL.md).

Our own handler: Ariadne's closes refused connections with 1000 (clients then reconnect without end), leaves a task
behind each connection, raises on malformed messages and runs queries inside its receive loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import orjson
from graphql import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from api.caller import BadCredentials, Credentials, Way, caller_by, credentials_of, credentials_of_strangers
from api.errors import DATABASE_AWAY, Refused
from api.graphql.admission import admit, with_cost
from api.graphql.documents import InvalidDocument
from api.graphql.errors import internal_error, shown_error
from api.graphql.execution import Context, Executor, MalformedRequest, Operation, refusal_answer
from api.graphql.socket_messages import CloseCode, Closing, identity_in, parsed, presented_key
from api.graphql.subscriptions import Subscriber, follow
from api.live.killmail_stream import READ_AT_ONCE
from api.live.sockets import Place
from api.services import services_of
from api.serving.admission import INVALID_COST, LimitReached, charge, identity_of, turn_away
from api.serving.rate_limits import Identity
from api.serving.request_guard import comes_from_us
from api.serving.request_log import request_id
from db.accounts.sessions import STRANGER
from db.failures import database_is_away
from db.strangers import a_stranger_asks

log = logging.getLogger(__name__)

SUBPROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
SEND_SECONDS = 30.0
MAX_OPERATIONS = 20
"""Operations running on one socket at a time."""
MAX_MESSAGES, MESSAGES_SECONDS = 1_000, 10.0
"""Messages that a socket may send in so many seconds, pings among them."""
WAITING_FRAMES = 2 * READ_AT_ONCE
"""Frames a socket may be behind: a burst, and some. One that is further behind is closed, not buffered."""
WAITING_CHARACTERS = 4_000_000
"""The same, where killmails are large."""


async def graphql_websocket(websocket: WebSocket) -> None:
    """Serve one socket until it closes. A foreign Origin is refused before the handshake (cookies are sent along)."""
    services = services_of(websocket)
    if not comes_from_us(websocket.headers, services.settings.site_url, require_proof=False):
        await websocket.close()
        return
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, f"Only {SUBPROTOCOL} is supported")
        return
    stranger = identity_of(websocket, services, None)
    if not services.live_feed.sockets.knock(stranger.name):
        await websocket.close()
        return
    socket = _Socket(websocket, stranger)
    # A socket that died while we wrote to it is not worth a line in the log.
    with contextlib.suppress(WebSocketDisconnect, WebSocketDisconnected):
        try:
            await websocket.accept(SUBPROTOCOL)
            await socket.serve()
        finally:
            socket.leave_the_door()


class _Socket:
    """One socket. To the streams it follows it is a `Follower`: what they offer waits here, but not without end."""

    def __init__(self, websocket: WebSocket, stranger: Identity) -> None:
        self._websocket = websocket
        self._stranger = stranger
        self._is_at_the_door = True
        self._executor: Executor = websocket.app.state.graphql
        self._services = services_of(websocket)
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._context: Context | None = None
        self._identity: Identity | None = None
        self._place: Place | None = None
        self._waiting: deque[tuple[str, str]] = deque()  # of which operation, and the frame
        self._waiting_characters = 0
        self._messages, self._messages_since = 0, 0.0
        self._something_waits = asyncio.Event()
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        receiving, writing = asyncio.create_task(self._receive()), asyncio.create_task(self._write())
        try:
            await asyncio.wait((receiving, writing, self._closing), return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                closing = self._closing.result()
                async with asyncio.timeout(SEND_SECONDS):
                    await self._websocket.close(closing.code, closing.reason)
            else:
                (receiving if receiving.done() else writing).result()
        except TimeoutError:
            log.info("a socket did not take its close frame")
        finally:
            await _end([receiving, writing, *self._operations.values()])
            if self._place is not None:
                self._services.live_feed.sockets.leave(self._place, self)

    def leave_the_door(self) -> None:
        """It has said who it is, or is gone; more than once is once."""
        if self._is_at_the_door:
            self._services.live_feed.sockets.left_the_door(self._stranger.name)
        self._is_at_the_door = False

    # What a `Follower` is. None of these waits.

    @property
    def credentials(self) -> Credentials:
        assert self._context is not None and self._context.credentials is not None  # noqa: PT018, S101 - it follows
        return self._context.credentials

    def offer(self, identity: str, payload: bytes) -> None:
        frame = _next_frame(identity, payload)
        if len(self._waiting) >= WAITING_FRAMES or self._waiting_characters > WAITING_CHARACTERS:
            self._close(CloseCode.TRY_AGAIN_LATER, "Too slow: reconnect with your last cursor")
            return
        self._waiting.append((identity, frame))
        self._waiting_characters += len(frame)
        self._something_waits.set()

    def end_session(self) -> None:
        self._close(CloseCode.UNAUTHORIZED, "Unauthorized: the session ended")

    def lose(self) -> None:
        self._close(CloseCode.TRY_AGAIN_LATER, "Something went wrong: reconnect with your last cursor")

    async def _write(self) -> None:
        """Send what the streams offered, as fast as the socket takes it."""
        while True:
            await self._something_waits.wait()
            self._something_waits.clear()
            while self._waiting:
                try:
                    async with asyncio.timeout(SEND_SECONDS):
                        await self._websocket.send_text(self._waiting[0][1])
                except TimeoutError:
                    self._close(CloseCode.TRY_AGAIN_LATER, "Too slow: reconnect with your last cursor")
                    return
                self._waiting_characters -= len(self._waiting.popleft()[1])

    def _forget(self, identity: str) -> None:
        """What waits for an operation that is over is not sent; the frame on its way (the first) is."""
        kept = [one for position, one in enumerate(self._waiting) if position == 0 or one[0] != identity]
        self._waiting = deque(kept)
        self._waiting_characters = sum(len(frame) for _, frame in kept)

    async def _receive(self) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS) as patience:
                while True:
                    text = await self._websocket.receive_text()
                    self._count_message()
                    await self._take(parsed(text))
                    if self._context is not None:
                        patience.reschedule(None)
        except KeyError:
            self._close(CloseCode.BAD_REQUEST, "Messages must be text")
        except TimeoutError:
            if self._context is None:
                self._close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")
            else:  # it does not even take a pong
                self._close(CloseCode.TRY_AGAIN_LATER, "Too slow: reconnect with your last cursor")
        except Closing as closing:
            self._close(closing.code, closing.reason)

    def _count_message(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._messages_since > MESSAGES_SECONDS:
            self._messages, self._messages_since = 0, now
        self._messages += 1
        if self._messages > MAX_MESSAGES:
            raise Closing(CloseCode.TOO_MANY_INITS, "Too many messages")

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
                if (operation := self._operations.pop(identity_in(message), None)) is not None:
                    operation.cancel()
                    self._forget(identity_in(message))
            case _:
                raise Closing(CloseCode.BAD_REQUEST, "Unknown message type")

    async def _initialise(self, payload: object) -> None:
        if self._context is not None:
            raise Closing(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        try:
            credentials = presented_key(payload) or credentials_of(self._websocket)
            if credentials is None:
                a_stranger_asks()
                credentials = credentials_of_strangers(self._services.settings)
            if credentials.way is Way.API_KEY:
                turn_away(self._services, self._stranger)
            caller = await caller_by(credentials, self._services.pool)
            if caller is None:
                await charge(self._services, self._stranger, INVALID_COST)
                raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized: log in first")
        except BadCredentials as bad:
            with contextlib.suppress(LimitReached):  # the next one is turned away
                await charge(self._services, self._stranger, INVALID_COST)
            raise Closing(CloseCode.UNAUTHORIZED, f"Unauthorized: {bad}") from None
        except LimitReached as limit:
            raise Closing(CloseCode.TOO_MANY_INITS, str(limit)) from None
        except Exception as error:
            if not database_is_away(error):
                raise
            raise Closing(CloseCode.TRY_AGAIN_LATER, DATABASE_AWAY) from None
        who = None if caller is STRANGER else caller
        place = self._stranger.name if who is None else who.account_id
        if not self._services.live_feed.sockets.join(place, self):
            raise Closing(CloseCode.TOO_MANY_INITS, "Too many sockets for one account")
        self._place, self._identity = place, identity_of(self._websocket, self._services, who)
        self.leave_the_door()
        self._context = Context(self._services, who, credentials, request_id(self._websocket))
        await self._send({"type": "connection_ack"})

    def _subscribe(self, message: Mapping[str, Any]) -> None:
        if self._context is None:
            raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized: send connection_init first")
        identity = identity_in(message)
        if identity in self._operations:
            raise Closing(CloseCode.SUBSCRIBER_ALREADY_EXISTS, "Subscriber for this id already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            raise Closing(CloseCode.FORBIDDEN, f"Forbidden: more than {MAX_OPERATIONS} operations at once")
        try:
            operation = Operation.from_json(message.get("payload"))
        except MalformedRequest as malformed:
            raise Closing(CloseCode.BAD_REQUEST, str(malformed)) from None
        # A task of its own: a slow query must not hold up the next message, nor a pong.
        self._operations[identity] = asyncio.create_task(self._operate(identity, operation, self._context))

    async def _operate(self, identity: str, operation: Operation, begun: Context) -> None:
        context = begun
        try:
            assert self._identity is not None  # noqa: S101 - set with the context
            turn_away(self._services, self._identity)
            context = await self._context_now(begun)
            await self._run(identity, operation, context)
        except Closing as closing:
            self._close(closing.code, closing.reason)
        except LimitReached as limit:
            await self._error(identity, limit.answer["errors"])
        except InvalidDocument as invalid:
            await self._error(identity, refusal_answer(invalid, context)["errors"])
        except Refused as refused:
            await self._error(identity, [shown_error(refused, context.request_id)])
        except TimeoutError:
            self._close(CloseCode.TRY_AGAIN_LATER, "Too slow: reconnect with your last cursor")
        except (WebSocketDisconnect, WebSocketDisconnected):
            pass  # the receiving side sees it too
        except Exception as error:  # noqa: BLE001 - the boundary: logged, masked and said to the client
            await self._error(identity, [internal_error(error, context.request_id)])
        finally:
            if self._operations.get(identity) is asyncio.current_task():
                del self._operations[identity]

    async def _context_now(self, begun: Context) -> Context:
        """Who asks by now: the session may be over since the socket was opened, or the account have new characters.

        Raises:
            Closing: it is over.
        """
        caller = await self.credentials.caller(self._services.pool)
        if caller is None:
            raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized: the session ended")
        return replace(begun, caller=None if caller is STRANGER else caller)

    async def _run(self, identity: str, operation: Operation, context: Context) -> None:
        """
        Raises:
            LimitReached, InvalidDocument, Refused: nothing is executed.
        """
        assert self._identity is not None  # noqa: S101 - set with the context
        planned, verdict = await admit(self._executor, operation, context, self._identity)
        if isinstance(planned, InvalidDocument):
            raise planned
        if planned.kind == OperationType.SUBSCRIPTION:

            async def send(payload: bytes) -> None:
                await self._send_text(_next_frame(identity, payload))

            who = context.caller or STRANGER
            await follow(Subscriber(self._executor, planned, context, who, identity, self, send))
            return
        answer = await self._executor.answer(planned, context)
        if "data" not in answer:
            await self._error(identity, answer["errors"])
            return
        await self._send({"type": "next", "id": identity, "payload": with_cost(answer, planned, verdict)})
        await self._send({"type": "complete", "id": identity})

    async def _error(self, identity: str, errors: list[dict[str, Any]]) -> None:
        with contextlib.suppress(WebSocketDisconnect, WebSocketDisconnected, TimeoutError):
            await self._send({"type": "error", "id": identity, "payload": errors})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._send_text(orjson.dumps(message).decode())

    async def _send_text(self, text: str) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._websocket.send_text(text)

    def _close(self, code: CloseCode, reason: str) -> None:
        if not self._closing.done():
            self._closing.set_result(Closing(code, reason))


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until they are over: a library may swallow a cancellation that comes while it connects."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1)
    await asyncio.gather(*tasks, return_exceptions=True)


def _next_frame(identity: str, payload: bytes) -> str:
    return f'{{"type":"next","id":{orjson.dumps(identity).decode()},"payload":{payload.decode()}}}'
