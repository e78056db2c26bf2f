"""A TCP proxy in front of one service, for one of those who speak to it: a connection that can be made to fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field

CHUNK = 65_536
LINGERS_SECONDS = 90.0
"""How long the far end of a half-open connection is kept; then its own keepalive has found out."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST instead of FIN."""


@dataclass(eq=False)
class _Connection:
    """One of them: the two sockets, and whether their bytes still go anywhere."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    is_dead: bool = False

    def close(self, *, reset: bool) -> None:
        for writer in filter(None, (self.near, self.far)):
            _end(writer, reset=reset)


@dataclass
class Link:
    """`name` listens on `port` of the loopback, and passes on to `upstream`."""

    name: str
    port: int
    upstream: int
    delay_seconds: float = 0.0
    """Before each piece is passed on."""
    _connections: set[_Connection] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _answers: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, and pass everything on at once."""
        self.delay_seconds = 0.0
        self._flows.set()
        self._answers.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, reuse_address=True)

    async def close(self) -> None:
        """End everything."""
        await self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cut(self) -> None:
        """Close every connection in order, and refuse new ones until `open`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._end_all(reset=False)

    def reset(self) -> None:
        """Reset every connection; new ones are served."""
        self._end_all(reset=True)

    def half_open(self) -> None:
        """Let every connection go silent for good, without a word to either end; new ones are served."""
        for connection in self._connections:
            connection.is_dead = True

    def lose(self) -> None:
        """Half-open, and new connections get no answer either until `open`: the host beyond is gone."""
        self.half_open()
        self._answers.clear()

    def freeze(self) -> None:
        """Hold every byte until `open`; then all of them arrive."""
        self._flows.clear()

    def slow(self, seconds: float) -> None:
        """Hold each piece that long until `open`."""
        self.delay_seconds = seconds

    def _end_all(self, *, reset: bool) -> None:
        for connection in list(self._connections):
            connection.close(reset=reset)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer)
        self._connections.add(connection)
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            await self._answers.wait()
            far_reader, connection.far = await asyncio.open_connection("127.0.0.1", self.upstream)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(connection, reader, connection.far))
                both.create_task(self._pass(connection, far_reader, writer))
        except (OSError, ExceptionGroup):
            connection.close(reset=True)
        except asyncio.CancelledError:
            pass  # `close`; asyncio would log a cancelled handler as an error
        finally:
            if connection.is_dead and connection.far is not None:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(LINGERS_SECONDS if self._server else 0)
            connection.close(reset=False)
            self._connections.discard(connection)

    async def _pass(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(CHUNK):
            await self._flows.wait()
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            if not connection.is_dead:
                writer.write(piece)
                await writer.drain()
        await self._flows.wait()
        if connection.is_dead:
            raise ConnectionAbortedError  # this end has given up; the other is never told
        with contextlib.suppress(OSError):
            writer.write_eof()


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if writer.transport.is_closing():
        return
    if reset:
        connection = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
    else:
        writer.close()
