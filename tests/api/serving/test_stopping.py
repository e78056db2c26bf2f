"""An API that is asked to stop serves whoever has come by then, even if nothing has been read of them."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from api.serving.patience import Server, server_config
from settings import Settings
from tests.api.running_site import Site

ASK = b"POST /graphql HTTP/1.1\r\nHost: killreport\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n"
BODY = b'{"query":"{__typename}"}'


@pytest.fixture
def door() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def knock(door: socket.socket) -> socket.socket:
    """Connect and ask, in the kernel: the event loop, which runs us, knows nothing of it."""
    client = socket.create_connection(door.getsockname())
    client.sendall(ASK + BODY)
    return client


async def answer(client: socket.socket) -> bytes:
    client.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=client)
    try:
        return await reader.readuntil(b"\r\n")
    finally:
        writer.close()


async def test_nobody_is_turned_away_in_the_middle_of_their_request(
    site: Site, lone_settings: Settings, door: socket.socket
) -> None:
    config = server_config(site.app, lone_settings, grace_seconds=5)
    config.lifespan = "off"
    config.load()
    server = Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[door])
    reader, writer = await asyncio.open_connection(*door.getsockname())
    writer.write(ASK + BODY)
    assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
    await asyncio.wait_for(reader.readuntil(b"}}"), 10)

    waiting = [knock(door) for _ in range(3)]
    kept = writer.get_extra_info("socket")
    with socket.socket(fileno=os.dup(kept.fileno())) as same:
        same.sendall(ASK + BODY)
    await server.shutdown([door])
    for client in waiting:
        assert await answer(client) == b"HTTP/1.1 200 OK\r\n"
    assert b"200 OK" in await reader.readuntil(b"\r\n"), "the second request of a connection"
    writer.close()
