"""A client of graphql-transport-ws that can also misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from tests.api.running_site import Browser

SECONDS = 10
ADDED = "subscription Added($filter: KillmailFilter) { killmailAdded(filter: $filter) { id victim { ship { id } } } }"


class SocketClient:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.socket.send_str(orjson.dumps(message).decode())

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.socket.receive_json(timeout=SECONDS)
        return message

    async def closed_with(self) -> int | None:
        """The code the server closes with; whatever comes before is read away."""
        while not self.socket.closed:
            await self.socket.receive(timeout=SECONDS)
        return self.socket.close_code

    async def initialise(self) -> None:
        await self.send({"type": "connection_init"})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, identity: str = "1", query: str = ADDED, **variables: Any) -> None:
        await self.send({"type": "subscribe", "id": identity, "payload": {"query": query, "variables": variables}})

    async def settle(self) -> None:
        """Every message so far has been taken."""
        await self.send({"type": "ping"})
        assert await self.receive() == {"type": "pong"}


@asynccontextmanager
async def open_socket(
    browser: Browser, subprotocol: str = "graphql-transport-ws", **headers: str
) -> AsyncIterator[SocketClient]:
    async with browser.http.ws_connect(
        f"{browser.site.address}/graphql", protocols=[subprotocol], headers=headers
    ) as socket:
        yield SocketClient(socket)
