"""Many at once, and those who take and never read: everybody else is served all the same, and memory has a bound."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from api.graphql import websocket as handler
from api.live import sockets
from api.serving import patience
from db.strangers import AT_ONCE
from settings import Settings
from tests.api.live.socket_client import ADDED, open_socket
from tests.api.running_site import Browser, Site, open_browser, serve, settings_for
from tests.db.bodies import body

ME = 90_000_010
HEALTH = "{ syncHealth { users due late } }"


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with serve(settings) as running:
        yield running


@pytest.fixture
async def pilot(site: Site) -> AsyncIterator[Browser]:
    async with open_browser(site) as browser:
        await browser.sign_in(await site.add_pilot(ME))
        yield browser


async def test_strangers_never_hold_all_connections_to_postgres(site: Site, pilot: Browser) -> None:
    """A flood of questions that take Postgres as long as it lets them; a pilot's pages come as always."""
    blocker = await asyncpg.connect(site.services.settings.database_url)
    async with open_browser(site) as strangers:
        assert (await pilot.get("/settings"))[0] == 200
        async with blocker.transaction():
            # What everybody may ask for waits for this; a pilot's own pages ask other tables.
            await blocker.execute("LOCK TABLE killmail_arrivals IN ACCESS EXCLUSIVE MODE")
            flood = [asyncio.create_task(strangers.graphql("{ liveCursor }")) for _ in range(40)]
            async with asyncio.timeout(10):
                while await _waiting(blocker) < AT_ONCE:  # noqa: ASYNC110 - Postgres' own state
                    await asyncio.sleep(0.01)
            for path in ("/settings/digests", "/search?q=x", "/fragments/characters"):
                async with asyncio.timeout(3):
                    assert (await pilot.get(path))[0] == 200
            assert await _waiting(blocker) == AT_ONCE
            async with asyncio.timeout(3):
                async with pilot.http.get(f"{site.address}/readyz") as ready:
                    assert (await ready.json())["postgres"] == "ok", "nor is the site taken for dead"
        answers = await asyncio.gather(*flood)
    await blocker.close()
    refused = [answer["errors"][0]["extensions"]["code"] for answer in answers if "errors" in answer]
    assert set(refused) <= {"SERVICE_UNAVAILABLE"}, "those whose turn did not come are told so"
    assert len(refused) < len(answers)


async def _waiting(connection: asyncpg.Connection) -> int:
    """Statements that wait for a lock."""
    await connection.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )


async def test_a_crowd_that_asks_whether_the_site_is_ready_asks_once(site: Site) -> None:
    asked = 0
    blocker = await asyncpg.connect(site.services.settings.database_url)
    async with open_browser(site) as crowd:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            asking = [asyncio.create_task(crowd.get("/readyz")) for _ in range(30)]
            async with asyncio.timeout(10):
                while not asked:
                    asked = await _waiting(blocker)
            asked = await _waiting(blocker)
        assert {status for status, _ in await asyncio.gather(*asking)} == {200}
    await blocker.close()
    assert asked == 1


async def test_sockets_that_do_not_say_who_they_are_find_no_more_room(
    pilot: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MAX_OF_AN_ADDRESS", 5)
    async with AsyncExitStack() as crowd:
        for _ in range(5):
            await crowd.enter_async_context(open_socket(pilot))
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await crowd.enter_async_context(open_socket(pilot))
    async with AsyncExitStack() as known:
        for _ in range(8):
            client = await known.enter_async_context(open_socket(pilot))
            await client.initialise()  # whoever has said it makes room
    monkeypatch.setattr(sockets, "MAX_AT_THE_DOOR", 0)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        async with open_socket(pilot):
            pass


async def test_keys_are_not_guessed_over_sockets(settings: Settings) -> None:
    narrow = settings.model_copy(update={"graphql_anonymous_requests_per_minute": 3})
    async with serve(narrow) as site, open_browser(site) as guesser, open_browser(site) as pilot:
        codes = []
        for number in range(5):
            async with open_socket(guesser) as client:
                payload = {"Authorization": f"Bearer krk_{number}{'x' * 42}"}
                await client.send({"type": "connection_init", "payload": payload})
                codes.append(await client.closed_with())
        assert codes == [4401] * 3 + [4401, 4429]
        await pilot.sign_in(await site.add_pilot(ME))
        async with open_socket(pilot) as client:
            await client.initialise()  # a neighbour locks no pilot out


@pytest.mark.parametrize(
    "message", [{"type": "ping"}, {"type": "complete", "id": "1"}, {"type": "pong"}], ids=lambda one: one["type"]
)
async def test_a_socket_that_talks_without_end_is_closed(
    pilot: Browser, monkeypatch: pytest.MonkeyPatch, message: dict[str, str]
) -> None:
    monkeypatch.setattr(handler, "MAX_MESSAGES", 50)
    async with open_socket(pilot) as client:
        await client.initialise()
        with contextlib.suppress(ConnectionError, RuntimeError):
            for _ in range(60):
                await client.send(message)
        assert await client.closed_with() == 4429


async def test_more_operations_than_a_socket_may_have_close_it(site: Site, pilot: Browser) -> None:
    async with open_socket(pilot) as client:
        await client.initialise()
        with contextlib.suppress(ConnectionError, RuntimeError):
            for number in range(handler.MAX_OPERATIONS + 5):
                await client.subscribe(str(number), ADDED)
        assert await client.closed_with() == 4403
    async with asyncio.timeout(10):
        while site.services.live_feed.killmails.groups.members:  # noqa: ASYNC110 - the application's own state
            await asyncio.sleep(0.01)


UPGRADE = (
    "GET /graphql HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
)


@contextlib.asynccontextmanager
async def deaf_client(browser: Browser, request: str) -> AsyncIterator[asyncio.StreamWriter]:
    """A signed-in client that reads the head of the answer and nothing more."""
    address = urlsplit(browser.site.address)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=2048)
    (cookie,) = [one.value for one in browser.http.cookie_jar if one.key == "killreport"]
    writer.write(f"{request}Host: {address.netloc}\r\nCookie: killreport={cookie}\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).split()[1] in (b"101", b"200")
    try:
        yield writer
    finally:
        writer.transport.abort()


def say(writer: asyncio.StreamWriter, text: str) -> None:
    """A frame of text from a client (RFC 6455, 5.2), with a mask of noughts."""
    data = text.encode()
    head = bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else bytes([0x81, 0xFE, *len(data).to_bytes(2, "big")])
    writer.write(head + bytes(4) + data)


BIG = """{"type":"subscribe","id":"%d","payload":{"query":"{ killmails(first: 100) { nodes { id time
 attackers { character { id name } corporation { id name } ship { id name } weapon { id name } } } } }"}}"""


CROWD = tuple(90_000_100 + number for number in range(200))


async def test_one_who_never_reads_is_dropped_and_the_others_get_theirs(
    site: Site, pilot: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "SEND_SECONDS", 0.5)
    monkeypatch.setattr(patience.HurriedSocket, "read_seconds", 1.0)
    await site.store(*(body(number, victim=ME, attackers=CROWD) for number in range(1, 60)))
    async with deaf_client(pilot, UPGRADE) as writer:
        say(writer, '{"type":"connection_init"}')
        for number in range(handler.MAX_OPERATIONS - 1):
            say(writer, (BIG % number).replace("\n", ""))
        async with open_socket(pilot) as listener:
            await listener.initialise()
            await listener.subscribe("1", ADDED)
            await site.followed_by(1)
            await site.store(body(100, victim=ME), announce_to=ME)
            assert (await listener.receive())["payload"]["data"]["killmailAdded"]["id"] == "100"
        await until_connections(site, 0)
        async with asyncio.timeout(10):
            while len(site.services.live_feed.sockets):  # noqa: ASYNC110 - the application's own state
                await asyncio.sleep(0.01)


async def test_an_answer_that_nobody_reads_is_given_up(
    site: Site, pilot: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience.HurriedProtocol, "read_seconds", 0.5)
    await site.store(*(body(number, victim=ME, attackers=CROWD) for number in range(1, 150)))
    async with deaf_client(pilot, "GET /export/killmails.ndjson HTTP/1.1\r\n"):
        await until_connections(site, 0)
    status, whole = await pilot.get("/export/killmails.ndjson")
    assert (status, whole.count("\n")) == (200, 149), "whoever reads gets it all"


async def until_connections(site: Site, left: int) -> None:
    async with asyncio.timeout(20):
        while len(site.server.server_state.connections) != left:  # noqa: ASYNC110 - the server's own state
            await asyncio.sleep(0.01)
