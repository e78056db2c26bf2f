"""Live events: none lost over a broken connection, nothing piles up, nothing stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from live import KEPT, STREAM, LiveEvent, LiveEvents
from sandbox.process import Part, RunningPart, free_port
from sandbox.valkey import valkey

OURS = "of-this-test"
"""A site that other tests share may listen there, too."""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url, client_name=OURS)
    yield client
    await client.aclose()


async def listening(redis: Redis, events: AsyncGenerator[LiveEvent, None]) -> asyncio.Task[LiveEvent]:
    """The next event of a new subscription, once it is known to wait for it."""
    waiting = asyncio.ensure_future(anext(events))
    await until_blocked(redis, 1)
    return waiting


async def until_blocked(redis: Redis, clients: int) -> None:
    name = redis.connection_pool.connection_kwargs.get("client_name") or ""

    async def blocked() -> int:
        return sum(client["name"] == name and "b" in client["flags"] for client in await redis.client_list())

    async with asyncio.timeout(10):
        while await blocked() != clients:  # noqa: ASYNC110 - Redis' own state
            await asyncio.sleep(0.01)


async def test_events_reach_every_subscriber_in_order(redis: Redis) -> None:
    live = LiveEvents(redis)
    async with aclosing(live.subscribe()) as one, aclosing(live.subscribe()) as other:
        first = [asyncio.ensure_future(anext(one)), asyncio.ensure_future(anext(other))]
        await until_blocked(redis, 2)
        await live.killmails_stored([2, 1], [90_000_001])
        await live.sync_changed(90_000_001)
        stored = LiveEvent("killmails", (2, 1), (90_000_001,))
        assert [await event for event in first] == [stored, stored]
        assert await anext(one) == await anext(other) == LiveEvent("sync", (), (90_000_001,))


async def test_nothing_is_sent_when_nothing_was_new(redis: Redis) -> None:
    await LiveEvents(redis).killmails_stored([], [1])
    assert await redis.xlen(STREAM) == 0


async def test_a_subscription_begins_with_what_comes_after_it(redis: Redis) -> None:
    live = LiveEvents(redis)
    await live.sync_changed(1)
    async with aclosing(live.subscribe()) as events:
        waiting = await listening(redis, events)
        await live.sync_changed(2)
        assert (await waiting).character_ids == (2,)


@pytest.mark.parametrize("protocol", [2, 3])
async def test_either_protocol_of_redis_will_do(redis_url: str, redis: Redis, protocol: int) -> None:
    client = Redis.from_url(redis_url, client_name=OURS, protocol=protocol, decode_responses=True)
    live = LiveEvents(client)
    async with aclosing(live.subscribe()) as events:
        waiting = await listening(redis, events)
        await live.killmails_stored([1], [2])
        assert await waiting == LiveEvent("killmails", (1,), (2,))
    await client.aclose()


async def test_no_event_is_lost_when_the_connection_breaks(redis: Redis) -> None:
    live = LiveEvents(redis)
    async with aclosing(live.subscribe()) as events:
        waiting = await listening(redis, events)
        await live.sync_changed(1)
        assert (await waiting).character_ids == (1,)
        received = []
        for number in range(2, 12):
            waiting = await listening(redis, events)
            await redis.client_kill_filter(_type="normal", skipme=True)
            await live.sync_changed(number)
            received += [*(await waiting).character_ids]
        assert received == list(range(2, 12))


async def test_a_subscription_survives_a_restart_of_redis(tmp_path: Path) -> None:
    part, url = valkey(tmp_path, free_port())
    async with (
        running_part(part) as running,
        Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client,
        aclosing(LiveEvents(client).subscribe()) as events,
    ):
        waiting = await listening(client, events)
        await client.shutdown(nosave=True)
        await asyncio.to_thread(running.process.wait)
        async with running_part(part), Redis.from_url(url) as other:
            await until_blocked(other, 1)
            await LiveEvents(other).sync_changed(7)
            assert (await waiting).character_ids == (7,)


@asynccontextmanager
async def running_part(part: Part) -> AsyncIterator[RunningPart]:
    running = await RunningPart.start(part)
    try:
        yield running
    finally:
        await running.stop()


async def test_a_slow_reader_makes_nothing_grow(redis: Redis) -> None:
    live = LiveEvents(redis)
    async with aclosing(live.subscribe()) as events:
        waiting = await listening(redis, events)
        await live.sync_changed(0)
        await waiting
        async with asyncio.TaskGroup() as writers:
            for number in range(1, 8):
                writers.create_task(publish(live, number * 1000))
        assert await redis.xlen(STREAM) < KEPT + 1000
        clients = await redis.client_list()
        assert max(int(client["omem"]) for client in clients) == 0  # Redis holds nothing back for the reader
        assert (await anext(events)).kind == "sync"  # and the reader goes on with what is left


async def publish(live: LiveEvents, start: int) -> None:
    for number in range(start, start + 1000):
        await live.sync_changed(number)


async def test_cancelling_frees_the_connection_at_once(redis: Redis) -> None:
    live = LiveEvents(redis)
    events = live.subscribe()
    waiting = await listening(redis, events)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until_blocked(redis, 0)
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert await redis.ping() is True  # no late answer is left on a shared connection
    assert await redis.get("nothing") is None


async def test_an_event_of_an_unknown_form_is_left_out(redis: Redis) -> None:
    live = LiveEvents(redis)
    async with aclosing(live.subscribe()) as events:
        waiting = await listening(redis, events)
        await redis.xadd(STREAM, {"event": b"not json"})
        await redis.xadd(STREAM, {"event": b'{"kind": "prices"}'})
        await redis.xadd(STREAM, {"event": b'{"kind": "prices", "killmail_ids": [], "character_ids": []}'})
        await live.sync_changed(1)
        assert (await waiting).character_ids == (1,)
