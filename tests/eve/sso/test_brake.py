"""One brake for every caller of SSO's token endpoint, on a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio

from eve.errors import BadRequest, EveError, NotAsked, RedisUnreachable, SsoLimited, TokenRevoked, Unavailable
from eve.sso.brake import THRESHOLD, Brake

SLOTS = 5
Ask = Callable[[], Awaitable[str]]


def failing(error: EveError) -> Ask:
    async def ask() -> str:
        raise error

    return ask


async def good() -> str:
    return "answered"


async def fail(brake: Brake, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Unavailable):
            await brake.call(failing(Unavailable("500")))


async def test_no_more_than_five_are_under_way_in_all_processes_together(redis_client: redis.asyncio.Redis) -> None:
    under_way = most = 0

    async def ask() -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1
        return "answered"

    workers = [Brake(redis_client, SLOTS) for _ in range(4)]
    answers = await asyncio.gather(*(workers[number % 4].call(ask) for number in range(20)))
    assert answers == ["answered"] * 20
    assert most == SLOTS


async def test_a_call_that_hangs_holds_nobody_up(redis_client: redis.asyncio.Redis) -> None:
    brake = Brake(redis_client, SLOTS, slot_milliseconds=200)
    ends = asyncio.Event()

    async def hang() -> str:
        await ends.wait()
        return "late"

    hanging = [asyncio.create_task(brake.call(hang)) for _ in range(SLOTS)]
    await asyncio.sleep(0)
    assert await brake.call(good) == "answered"
    ends.set()
    assert await asyncio.gather(*hanging) == ["late"] * SLOTS


async def test_without_a_place_it_is_left_to_another_time(redis_client: redis.asyncio.Redis) -> None:
    brake, ends = Brake(redis_client, SLOTS, patience_seconds=0.1), asyncio.Event()
    hanging = [asyncio.create_task(brake.call(lambda: _ended(ends))) for _ in range(SLOTS)]
    while await redis_client.zcard("killreport:{sso}:slots") < SLOTS:  # noqa: ASYNC110 - Redis' own state
        await asyncio.sleep(0.01)
    with pytest.raises(SsoLimited):
        await brake.call(good)
    ends.set()
    await asyncio.gather(*hanging)


async def test_who_waits_behind_others_is_patient_for_as_long_and_asks_redis_once_it_is_their_turn(
    redis_client: redis.asyncio.Redis,
) -> None:
    brake, ends = Brake(redis_client, 1), asyncio.Event()
    hanging = asyncio.create_task(brake.call(lambda: _ended(ends)))
    while not await redis_client.zcard("killreport:{sso}:slots"):  # noqa: ASYNC110 - Redis' own state
        await asyncio.sleep(0.01)
    order: list[int] = []

    def numbered(number: int) -> Ask:
        async def note() -> str:
            order.append(number)
            return "answered"

        return note

    waiting = [asyncio.create_task(brake.call(numbered(number))) for number in range(9)]
    ends.set()
    await asyncio.gather(hanging, *waiting)
    assert order == list(range(9))

    brief, ends = Brake(redis_client, 1, patience_seconds=0.1), asyncio.Event()
    hanging = asyncio.create_task(brief.call(lambda: _ended(ends)))
    refused = await asyncio.gather(*(brief.call(good) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in refused] == [SsoLimited] * 3
    ends.set()
    await hanging


async def _ended(event: asyncio.Event) -> str:
    await event.wait()
    return "ended"


async def test_failures_stop_everybody_for_a_while(redis_client: redis.asyncio.Redis) -> None:
    one, other = Brake(redis_client, SLOTS), Brake(redis_client, SLOTS)
    await fail(one, THRESHOLD)
    with pytest.raises(NotAsked, match="EVE SSO fails; it is asked again at"):
        await other.call(good)
    await redis_client.hset("killreport:{sso}:stop", "until", 0)
    await fail(other, 1)  # the first after the stop: still away, and left alone for longer
    with pytest.raises(NotAsked):
        await one.call(good)
    until = int(await redis_client.hget("killreport:{sso}:stop", "until") or 0)
    assert 5 < until / 1000 - time.time() <= 10.1


async def test_answers_of_any_kind_say_that_sso_is_well(redis_client: redis.asyncio.Redis) -> None:
    brake = Brake(redis_client, SLOTS)
    for _ in range(3 * THRESHOLD):
        await fail(brake, 1)
        for refusal in (TokenRevoked("gone"), BadRequest("no")):
            with pytest.raises(type(refusal)):
                await brake.call(failing(refusal))
    assert await brake.call(good) == "answered"


@pytest.mark.parametrize(("bare", "least", "most"), [(True, 0, 8), (False, 30, 45)])
async def test_a_429_stops_everybody_for_as_long_as_it_says_or_a_few_seconds(
    redis_client: redis.asyncio.Redis, *, bare: bool, least: float, most: float
) -> None:
    limited = SsoLimited(datetime.now(UTC) + timedelta(seconds=5 if bare else 31), bare=bare)
    with pytest.raises(SsoLimited):
        await Brake(redis_client, SLOTS).call(failing(limited))
    with pytest.raises(SsoLimited) as raised:
        await Brake(redis_client, SLOTS).call(good)
    assert least < (raised.value.until - datetime.now(UTC)).total_seconds() < most


async def test_without_redis_sso_is_not_asked() -> None:
    client = redis.asyncio.from_url("redis://127.0.0.1:1/0")
    with pytest.raises(RedisUnreachable):
        await Brake(client, SLOTS).call(good)
    await client.aclose()
