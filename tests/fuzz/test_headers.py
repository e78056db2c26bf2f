"""Whatever status and headers EVE's services answer with: an answer or one of `eve.errors`, in bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st

from contracts.call_classes import CallClass
from eve.errors import Downtime, EveError, RateLimited
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.esi.freshness import LONGEST
from eve.killmail import KillmailRef
from eve.session import open_session
from eve.sso.client import Sso
from eve.zkillboard.client import Zkillboard
from eve.zkillboard.turns import Turns
from tests.db.bodies import body, raw
from tests.eve.conftest import QUIET_HOUR
from tests.eve.servers import CHARACTER_ID, CLIENT_ID, settings_for
from tests.fuzz.doors import door

HASH = "0123456789abcdef0123456789abcdef01234567"
NUMBERS = (
    *(b"0", b"1", b"-1", b"", b" 5 ", b"5.5", b"9" * 12, b"9" * 25, b"9" * 5_000, b"1e3", b"\xd9\xa3", b"\xb2"),
    *(b"nan", b"0x1", b"+1", b"1, 2", b"1_0"),
)
DATES = (
    *(
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Fri, 31 Dec 9999 23:59:59 GMT",
        b"Fri, 31 Dec 9999 23:59:59 -1400",
        b"Mon, 01 Jan 0001 00:00:00 +1400",
    ),
    *(
        b"Mon, 01 Jan 0001 00:00:00 GMT",
        b"Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37",
        b"-1",
        b"0",
    ),
    *(
        b"Sun, 06 Nov 1994 08:49:37 +9999",
        b"Sun, 06 Nov 1994 08:49:37 -0000",
        b"Sun, 06 Nov 1994 99:99:99 GMT",
        b"Thu, 1 Jan 1970",
        b"\xff",
    ),
    *(
        b"Sat, 28 Nov 2026 14:00:00 GMT",
        b"Sun, 06 Nov 1994 08:49:37 +99999999999999999999",
        b"Sun, 06 Nov 1994 08:49:61 GMT",
    ),
)
LIMITS = (
    b"3600/15m",
    b"0/15m",
    b"1/0s",
    b"999999999/999999d",
    b"9" * 30 + b"/1m",
    b"150/15",
    b"/m",
    b"15m",
    b"1/1w",
    b"5/999999d",
    b"\xd9\xa3/1m",
    b"1/1s",
)
KNOWN: dict[bytes, tuple[bytes, ...]] = {
    b"Age": NUMBERS,
    b"Cache-Control": (
        *(b"max-age=" + number for number in NUMBERS),
        b"no-store",
        b'max-age="5',
        b"max-age = 5, max-age=6",
    ),
    b"Content-Encoding": (b"gzip", b"deflate", b"br", b"zstd", b"identity", b"x", b"gzip, gzip"),
    b"Content-Type": (
        b"text/html",
        b"application/json; charset=utf-99",
        b"application/json",
        b"",
        b"\xff",
        b"image/png",
    ),
    b"Date": DATES,
    b"ETag": (b'"a"', b'W/"a"', b"", b"\xff", b'"' + b"e" * 7_000 + b'"', b"\x01"),
    b"Expires": DATES,
    b"Last-Modified": DATES,
    b"Location": (b"http://[", b"/blocked.json", b"//evil.example", b"\xff", b""),
    b"Retry-After": (*NUMBERS, *DATES),
    b"Set-Cookie": (b"a=b; expires=" + DATES[5], b"\xff=\xff", b"=" * 99),
    b"X-ESI-Error-Limit-Remain": NUMBERS,
    b"X-ESI-Error-Limit-Reset": NUMBERS,
    b"X-Pages": (b"2", b"100", *NUMBERS),
    b"X-Ratelimit-Group": (b"killmail", b"", b"\xff", b"x" * 5_000, b"a b:c{d}", b"error limit"),
    b"X-Ratelimit-Limit": LIMITS,
    b"X-Ratelimit-Remaining": NUMBERS,
    b"X-Ratelimit-Used": NUMBERS,
    b"Transfer-Encoding": (b"chunked", b"gzip"),
    b"Content-Length": (b"0", b"1", b"-1", b"9" * 20, b"x"),
}
FRAMING = (b"Transfer-Encoding", b"Content-Length")
RARE = (100, 101, 103, 201, 204, 301, 302, 308, 400, 401, 403, 404, 410, 422, 500, 502, 503, 520, 599, 999, 0)
STATUSES = (200,) * 8 + (304,) * 3 + (429,) * 4 + (420,) * 2 + RARE
GOOD = (
    raw(body(7)),
    b"[]",
    b'[{"killmail_id":7,"killmail_hash":"' + HASH.encode() + b'"}]',
    b'{"error":"no"}',
    b'{"error":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
    b"[" * 5_000,
    b"<html>",
    b"",
    b"\xff\xfe",
    b"{}",
    b'{"error":"invalid_grant"}',
    b'{"players":5,"server_version":"1"}',
    b'[{"type_id":34,"average_price":5.5}]',
)
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """A status, headers, and a body that may or may not be good."""
    status = draw(st.sampled_from(STATUSES))
    names = draw(st.lists(st.sampled_from([name for name in KNOWN if name not in FRAMING]), max_size=14))
    if draw(st.integers(0, 11)) == 0:
        names.append(draw(st.sampled_from(FRAMING)))
    headers = [(name, draw(st.one_of(*[st.sampled_from(KNOWN[name])] * 9, st.binary(max_size=20)))) for name in names]
    return status, headers, draw(st.one_of(*[st.sampled_from(GOOD)] * 9, st.binary(max_size=40)))


@dataclass
class OddServer:
    """An HTTP server that says, byte for byte, what it is told to say."""

    url: str
    answers: list[Answer]
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            status, headers, content = self.answers[min(self.asked, len(self.answers) - 1)]
            self.asked += 1
            lines = [b"HTTP/1.1 %d Drawn" % status, b"Connection: close"]
            lines += [name + b": " + value.translate(None, b"\r\n") for name, value in headers]
            if not any(name in FRAMING for name, _ in headers):
                lines.append(b"Content-Length: %d" % len(content))
            writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + content)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="module")
async def odd_server() -> AsyncIterator[OddServer]:
    told = OddServer("", [])
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield told
    server.close()


@pytest.fixture(scope="module")
async def redis_of_clients(session_redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.from_url(session_redis_url)
    yield client
    await client.aclose()


async def asked(call: Callable[[], Awaitable[Any]], longest: timedelta) -> Any:
    """What it answers; None for an error of ours, which makes nobody wait for longer than that."""
    try:
        return await call()
    except EveError as error:
        check(error, longest)
        return None


def check(failure: EveError, longest: timedelta) -> None:
    if isinstance(failure, RateLimited | Downtime):
        # What is counted in Redis is counted from its own clock.
        assert failure.until - max(datetime.now(UTC), QUIET_HOUR) <= longest + timedelta(minutes=1)
    assert str(failure).isprintable()
    assert HASH not in str(failure)


ESI_CALLS: tuple[Callable[[Esi], Awaitable[Any]], ...] = (
    lambda esi: esi.killmail(KillmailRef(7, HASH), CallClass.LIVE),
    lambda esi: esi.character_killmails(CHARACTER_ID, "token", {1: '"a"'}, CallClass.LIVE),
    lambda esi: esi.corporation_killmails(98_000_001, CHARACTER_ID, "token", {}, CallClass.LIVE),
    lambda esi: esi.market_prices('"a"', CallClass.LIVE),
    lambda esi: esi.names([7, 8, 9], CallClass.LIVE),
    lambda esi: esi.server_status(),
    lambda esi: esi.character_roles(CHARACTER_ID, "token", CallClass.LIVE),
)


@door("headers of ESI", short=100, seconds=40)
@given(said=st.lists(answers(), min_size=1, max_size=3), call=st.sampled_from(ESI_CALLS))
async def test_esi_may_say_anything(
    odd_server: OddServer, redis_of_clients: redis.asyncio.Redis, said: list[Answer], call: Callable[[Esi], Any]
) -> None:
    await redis_of_clients.flushall()
    odd_server.answers, odd_server.asked = said, 0
    async with open_session(settings_for(odd_server.url)) as session:
        esi = Esi(session, Budget(redis_of_clients, now=lambda: QUIET_HOUR), odd_server.url, CLIENT_ID)
        for _ in range(2):  # the second time with what the first has taught
            found = await asked(lambda: call(esi), timedelta(days=1))
            for name in ("fresh_until", "rest_due_at"):
                until = getattr(found, name, None)
                assert until is None or until - datetime.now(UTC) <= LONGEST
    assert odd_server.asked <= 2 * 3 * 101


@door("headers of EVE SSO", short=60)
@given(st.lists(answers(), min_size=1, max_size=3), st.sampled_from(["refresh", "exchange_code", "revoke", "url"]))
async def test_sso_may_say_anything(odd_server: OddServer, said: list[Answer], call: str) -> None:
    metadata = (
        b'{"issuer":"x","authorization_endpoint":"%(u)s/a","token_endpoint":"%(u)s/t","jwks_uri":"%(u)s/j",'
        b'"revocation_endpoint":"%(u)s/r"}' % {b"u": odd_server.url.encode()}
    )
    odd_server.answers, odd_server.asked = [(200, [], metadata), (200, [], b'{"keys":[]}'), *said], 0
    async with open_session(settings_for(odd_server.url)) as session:
        sso = Sso(session, settings_for(odd_server.url))
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "refresh": lambda: sso.refresh("refresh"),
            "exchange_code": lambda: sso.exchange_code("code", "verifier"),
            "revoke": lambda: sso.revoke("refresh"),
            "url": lambda: sso.authorization_url("state", "challenge", ["scope"]),
        }
        await asked(calls[call], timedelta(hours=1))


@door("headers of zKillboard", short=60)
@given(st.lists(answers(), min_size=1, max_size=2))
async def test_zkillboard_may_say_anything(
    odd_server: OddServer, redis_of_clients: redis.asyncio.Redis, said: list[Answer]
) -> None:
    await redis_of_clients.flushall()
    odd_server.answers, odd_server.asked = said, 0
    async with open_session(settings_for(odd_server.url)) as session:
        zkillboard = Zkillboard(session, Turns(redis_of_clients, 0.001), odd_server.url)
        for _ in range(2):
            await asked(lambda: zkillboard.character_killmails(CHARACTER_ID, 1), timedelta(hours=1))
