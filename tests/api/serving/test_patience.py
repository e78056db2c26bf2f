"""Clients that take too much: pages without end, requests that never end, heads and messages without end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator

import pytest

from api.serving.patience import HEAD_BYTES, SOCKET_MESSAGE_BYTES, HurriedProtocol
from settings import Settings
from tests.api.live.socket_client import open_socket
from tests.api.running_site import Site, open_browser, serve

ME = 90_000_010
NARROW = {
    "graphql_requests_per_minute": 5,
    "graphql_cost_per_minute": 10_000,
    "graphql_anonymous_requests_per_minute": 3,
    "graphql_anonymous_cost_per_minute": 5_000,
}


@pytest.fixture
async def narrow_site(lone_settings: Settings) -> AsyncIterator[Site]:
    async with serve(lone_settings.model_copy(update=NARROW)) as site:
        yield site


@pytest.mark.parametrize(
    "path", ["/", "/search?q=rifter", "/fragments/search?q=r", "/characters/1", "/killmails/1", "/status"]
)
async def test_pages_are_limited_by_who_asks(narrow_site: Site, path: str) -> None:
    async with open_browser(narrow_site) as pilot, open_browser(narrow_site) as stranger:
        await pilot.sign_in(await narrow_site.add_pilot(ME))
        for browser, served in ((stranger, 3), (pilot, 5)):  # two buckets, though one address
            statuses = [(await browser.get(path))[0] for _ in range(served)]
            assert 429 not in statuses
            for _ in range(2):
                async with browser.http.get(f"{narrow_site.address}{path}") as refused:
                    assert refused.status == 429
                    assert 1 <= int(refused.headers["Retry-After"]) <= 60
                    assert "That was a lot at once" in await refused.text()
        assert (await stranger.get("/static/site.css"))[0] == 200
        assert (await stranger.get("/healthz"))[0] == 200


async def test_logins_cost_more_than_pages(narrow_site: Site) -> None:
    async with open_browser(narrow_site) as stranger:
        statuses = [(await stranger.get("/auth/login?moved=1"))[0] for _ in range(3)]
    assert statuses == [503, 503, 429], "EVE is away here, and only two could be paid for"


async def test_made_up_cookies_and_addresses_are_no_new_bucket(lone_settings: Settings) -> None:
    settings = lone_settings.model_copy(update={**NARROW, "forwarded_allow_ips": "192.0.2.1"})
    async with serve(settings) as site, open_browser(site) as stranger:
        statuses = []
        for number in range(6):
            said = {
                "Cookie": f"killreport={secrets.token_urlsafe(32)}",
                "X-Forwarded-For": f"198.51.100.{number}",
            }
            statuses.append((await stranger.get("/", headers=said))[0])
    assert statuses == [200] * 3 + [429] * 3


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTT",
        b"GET / HTTP/1.1\r\nHost: killreport\r\nX-Slow: 1",
        b"POST /graphql HTTP/1.1\r\nHost: killreport\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ],
)
async def test_a_request_that_never_ends_is_ended(
    site: Site, sent: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(HurriedProtocol, "request_seconds", 0.3)
    began = time.monotonic()  # the site counts from the connection, of which we may hear later than it does
    reader, writer = await asyncio.open_connection("127.0.0.1", site.services.settings.port)
    with contextlib.closing(writer):
        writer.write(sent)
        async with asyncio.timeout(10):
            await reader.read()
        assert time.monotonic() - began >= 0.3
    async with open_browser(site) as browser:
        assert (await browser.get("/"))[0] == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_request_in_two_pieces_and_a_next_one_are_answered(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.services.settings.port)
    for _ in range(2):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: kill")
        await writer.drain()
        writer.write(b"report\r\n\r\n")
        async with asyncio.timeout(10):
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(b"ok"))
    writer.close()


async def test_a_head_without_end_is_not_kept(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.services.settings.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: killreport\r\n")
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):  # sooner or later nothing is taken any more
            for number in range(100 * HEAD_BYTES // 1_000):
                writer.write(b"X-%d: " % number + b"x" * 1_000 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
                if reader.at_eof() or writer.is_closing():
                    break
            else:
                pytest.fail("the server took all of it")
    writer.close()


async def test_a_message_too_large_for_a_socket_closes_it(site: Site) -> None:
    async with open_browser(site) as browser, open_socket(browser) as client:
        await client.socket.send_str("x" * (SOCKET_MESSAGE_BYTES + 1))
        assert await client.closed_with() == 1009
