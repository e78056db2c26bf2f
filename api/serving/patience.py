"""How a process listens: what a client may take of it before it has asked for anything.

uvicorn waits for ever for the rest of a request, and for whoever does not read an answer; and it keeps as long a head
as it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from settings import Settings

REQUEST_SECONDS = 20.0
"""From the first byte of a request (or the connection) to the last: enough for our largest over a bad mobile line."""
READ_SECONDS = 60.0
"""How long a client may take nothing of an answer that waits for it."""
HEAD_BYTES = 65_536
IDLE_SECONDS = 75
"""How long a connection may wait for its next request: longer than the proxies in front keep theirs (60 s), or they
would send a request into one that is being closed."""
READING_SECONDS = 0.05
"""What was sent before the door closed is read by then."""
SOCKET_MESSAGE_BYTES = 131_072
"""Twice the longest operation."""
WEBSOCKET_PING_SECONDS = 20.0
"""Below the idle time-out of every common reverse proxy (60 s)."""


class HurriedProtocol(HttpToolsProtocol):
    """HTTP/1.1 of uvicorn, for clients that get on with it."""

    request_seconds = REQUEST_SECONDS
    read_seconds = READ_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head: int | None = 0
        """Bytes of a request's head so far; None: it is complete."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._read_on()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._read_on()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            if self._head > HEAD_BYTES:
                self._refuse(b"431 Request Header Fields Too Large")
                return
            self._head += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._begin()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._end()
        self._read_on()
        super().handle_websocket_upgrade()

    def _begin(self) -> None:
        self._end()
        self._head = 0
        self._deadline = self.loop.call_later(self.request_seconds, self._refuse, b"408 Request Timeout")

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _refuse(self, status: bytes) -> None:
        self._end()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        with contextlib.suppress(RuntimeError):  # uvloop's word for a transport that is closed already
            self.transport.close()


class HurriedSocket(WebSocketsSansIOProtocol):
    """WebSocket of uvicorn, for clients that read. A transport that is closed waits for them without end."""

    read_seconds = READ_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unread: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._read_on()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        self._read_on()
        super().resume_writing()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._wait()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._wait()

    def _wait(self) -> None:
        """From now on, unless it reads."""
        if self._unread is None and not self.disconnected:
            self._unread = self.loop.call_later(self.read_seconds, self.transport.abort)

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class Server(uvicorn.Server):
    """uvicorn that serves, when asked to stop, whoever has come by then.

    It would close its door with those who wait before it, and every connection that has not asked for anything,
    whatever lies unread in it. A proxy in front repeats only a GET that fails like that.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        arrived = [one for door in sockets or [] for one in _waiting_at(door)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for one in arrived:
            await loop.connect_accepted_socket(self._protocol, one)
        await asyncio.sleep(READING_SECONDS)
        await super().shutdown(sockets)

    def _protocol(self) -> HurriedProtocol:
        return HurriedProtocol(self.config, self.server_state, self.lifespan.state)


def _waiting_at(door: socket.socket) -> Iterator[socket.socket]:
    """Those who are connected as far as the kernel is concerned, and of whom the event loop does not know yet."""
    with contextlib.suppress(OSError):  # nobody waits any more, or somebody went away again
        while True:
            yield door.accept()[0]


def server_config(app: ASGIApp, settings: Settings, *, grace_seconds: int) -> uvicorn.Config:
    """What uvicorn is started with. `grace_seconds`: for open requests and sockets, once it is asked to stop."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=HurriedProtocol,
        ws=HurriedSocket,
        log_config=None,  # ours, with its redaction
        access_log=False,  # it would hold query strings, and so EVE's codes
        server_header=False,
        lifespan="on",
        forwarded_allow_ips=settings.forwarded_allow_ips,
        ws_max_size=SOCKET_MESSAGE_BYTES,
        ws_ping_interval=WEBSOCKET_PING_SECONDS,
        ws_ping_timeout=WEBSOCKET_PING_SECONDS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=grace_seconds,
    )
