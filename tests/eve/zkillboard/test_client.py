"""zKillboard's answers, good and odd, and the installation's one request a second."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis.asyncio
from aiohttp import web

from eve.errors import (
    BadRequest,
    EveError,
    Forbidden,
    MalformedBody,
    NotFound,
    RedisUnreachable,
    Unavailable,
    ZkillboardLimited,
    ZkillboardRefused,
)
from eve.session import open_session
from eve.zkillboard.client import Month, Zkillboard
from eve.zkillboard.turns import Turns
from tests.db.bodies import body
from tests.eve.servers import serving, settings_for

HASH = "0123456789abcdef0123456789abcdef01234567"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.from_url(redis_url)
    yield client
    await client.aclose()


@asynccontextmanager
async def opened(
    redis_client: redis.asyncio.Redis, handler: Handler, interval: float = 0.001
) -> AsyncIterator[Zkillboard]:
    async with serving(handler) as url, open_session(settings_for(url)) as session:
        yield Zkillboard(session, Turns(redis_client, interval), url)


def entry(killmail_id: int, zkb: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Since 2026: the whole body and a block of zKillboard's own."""
    return {**body(killmail_id), "zkb": {"hash": HASH, "totalValue": 1.25, "labels": []} | (zkb or {}), **more}


def answering(value: Any, **more: Any) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        if isinstance(value, (str, bytes)):
            return web.Response(body=value, **more)
        return web.json_response(value, **more)

    return handler


async def test_a_page_is_asked_for_as_zkillboard_wants_it(redis_client: redis.asyncio.Redis) -> None:
    asked: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        packed = gzip.compress(json.dumps([entry(7)]).encode())
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})

    async with opened(redis_client, handler) as zkillboard:
        page = await zkillboard.character_killmails(90_000_001, 3)
        await zkillboard.character_killmails(90_000_001, 1, Month(2019, 4))
        await zkillboard.killmail(7)
    assert [request.path_qs for request in asked] == [
        "/eve/api/characterID/90000001/page/3/",
        "/eve/api/characterID/90000001/year/2019/month/4/page/1/",
        "/eve/api/killID/7/",
    ]
    assert all("pilot@example.com" in request.headers["User-Agent"] for request in asked)
    assert all("gzip" in request.headers["Accept-Encoding"] for request in asked)
    assert page.killmails[0].ref.killmail_id == 7


async def test_both_shapes_of_the_list_are_read(redis_client: redis.asyncio.Redis) -> None:
    incomplete = entry(3)
    del incomplete["victim"]
    listed = [
        entry(1, not_known_yet={"since": "tomorrow"}),
        {"killmail_id": 2, "zkb": {"hash": HASH.upper()}},
        incomplete,
        entry(4, zkb={"hash": "CCP VERIFIED"}),
        {"killmail_id": 5},
        {"zkb": {"hash": HASH}},
        "nonsense",
        entry(1),
    ]
    async with opened(redis_client, answering(listed)) as zkillboard:
        page = await zkillboard.character_killmails(1, 1)
    assert {one.ref.killmail_id: one.body is not None for one in page.killmails} == {1: True, 2: False, 3: False}
    assert {one.ref.killmail_hash for one in page.killmails} == {HASH}
    assert page.unusable == 4
    (first,) = (one for one in page.killmails if one.ref.killmail_id == 1)
    assert first.body is not None
    assert json.loads(first.body) == body(1), "as ESI sends it: without zKillboard's block"
    assert HASH not in repr(page)


ODD: list[tuple[Handler, type[EveError]]] = [
    (answering({"error": "Invalid parameter"}), ZkillboardRefused),
    (answering({"error": f"no such killmail {HASH}"}), ZkillboardRefused),
    (answering({"something": "else"}), MalformedBody),
    (answering("<html><h1>Checking your browser</h1></html>", content_type="text/html"), Unavailable),
    (answering('[{"killmail_id": 1, "zkb"'), Unavailable),
    (answering("", status=302, headers={"Location": "/api/blocked.json"}), ZkillboardLimited),
    (answering("", status=301, headers={"Location": "https://elsewhere.invalid/"}), BadRequest),
    (answering({"error": "Reinforced mode"}, status=503), Unavailable),
    (answering("", status=429), ZkillboardLimited),
    (answering("<html>Forbidden</html>", status=403), Forbidden),
    (answering("<html>Not here</html>", status=404), Unavailable),
    (answering("no", status=400), BadRequest),
]


@pytest.mark.parametrize(("handler", "expected"), ODD)
async def test_odd_answers_have_their_types(
    redis_client: redis.asyncio.Redis, handler: Handler, expected: type[EveError]
) -> None:
    async with opened(redis_client, handler) as zkillboard:
        with pytest.raises(expected) as raised:
            await zkillboard.character_killmails(1, 1)
    assert type(raised.value) is expected
    assert HASH not in str(raised.value)
    assert "illboard" in str(raised.value)


async def test_a_body_cut_short_is_an_outage(redis_client: redis.asyncio.Redis) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = 1000
        await answer.prepare(request)
        await answer.write(b"[")
        assert request.transport is not None
        request.transport.close()
        return answer

    async with opened(redis_client, handler) as zkillboard:
        with pytest.raises(Unavailable):
            await zkillboard.character_killmails(1, 1)


async def test_everybody_stays_away_when_zkillboard_asks_for_it(redis_client: redis.asyncio.Redis) -> None:
    async with opened(redis_client, answering("", status=429, headers={"Retry-After": "60"})) as zkillboard:
        with pytest.raises(ZkillboardLimited):
            await zkillboard.character_killmails(1, 1)
    async with opened(redis_client, answering([])) as another_worker:
        with pytest.raises(ZkillboardLimited) as refused:
            await another_worker.character_killmails(2, 1)
    assert 50 < (refused.value.until.timestamp() - time.time()) < 65


async def test_a_killmail_zkillboard_does_not_have(redis_client: redis.asyncio.Redis) -> None:
    async with opened(redis_client, answering([])) as zkillboard:
        with pytest.raises(NotFound):
            await zkillboard.killmail(12)


async def test_racing_workers_never_ask_closer_together_than_the_interval(redis_url: str) -> None:
    interval, arrived, at_once = 0.15, list[float](), 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal at_once
        arrived.append(time.monotonic())
        at_once += 1
        assert at_once == 1
        await asyncio.sleep(0.02)
        at_once -= 1
        return web.json_response([])

    async def worker(url: str, character_id: int) -> None:
        client = redis.asyncio.from_url(redis_url)
        async with open_session(settings_for(url)) as session:
            zkillboard = Zkillboard(session, Turns(client, interval), url)
            for page in (1, 2, 3):
                async with asyncio.timeout(30):
                    while True:
                        try:
                            await zkillboard.character_killmails(character_id, page)
                            break
                        except ZkillboardLimited:
                            continue
        await client.aclose()

    async with serving(handler) as url:
        await asyncio.gather(*(worker(url, character_id) for character_id in range(1, 5)))
    assert len(arrived) == 12
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrived)]
    assert min(gaps) >= interval


async def test_a_turn_whose_worker_died_ends_by_itself(redis_client: redis.asyncio.Redis) -> None:
    turns = Turns(redis_client, 0.05)
    dead = turns.turn()
    await dead.__aenter__()
    with pytest.raises(ZkillboardLimited):
        async with turns.turn(0.1):
            pass
    async with turns.turn(10):
        pass
    await dead.__aexit__(None, None, None)


async def test_without_redis_nothing_is_asked() -> None:
    client = redis.asyncio.from_url("redis://127.0.0.1:1/0")
    async with opened(client, answering([])) as zkillboard:
        with pytest.raises(RedisUnreachable):
            await zkillboard.character_killmails(1, 1)
    await client.aclose()
