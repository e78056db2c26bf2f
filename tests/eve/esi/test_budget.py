import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio

from contracts.call_classes import CallClass
from eve.errors import Downtime, ErrorLimited, RateLimited, RedisUnreachable
from eve.esi.budget import Budget, Reservation
from eve.esi.routes import CHARACTER_KILLMAILS, KILLMAIL, NAMES, SERVER_STATUS, SOLAR_SYSTEM
from tests.eve.conftest import QUIET_HOUR
from tests.eve.esi.budget_calls import CALLER, OTHER_CALLER, answer, bucket, call, spend_until_refused
from tests.eve.servers import errors_left, tokens


async def test_a_bucket_is_charged_what_esi_charges(budget: Budget) -> None:
    charged = {}
    for status in (200, 304, 404, 429, 503):
        before = sum(state.spent for state in await budget.buckets())
        await budget.settle(await budget.reserve(KILLMAIL, None, CallClass.LIVE), answer(status))
        charged[status] = sum(state.spent for state in await budget.buckets()) - before
        if status == 429:
            break
    assert charged == {200: 2, 304: 1, 404: 5, 429: 0}
    await budget.settle(await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE), answer(503))
    assert (await bucket(budget, "char-killmail", CALLER)).spent == 0


async def test_a_spent_bucket_refuses_until_tokens_come_back_and_others_go_on(budget: Budget) -> None:
    assert await spend_until_refused(budget, CallClass.LIVE, 304) == 26  # the worst a call may cost stays reserved
    with pytest.raises(RateLimited) as refused:
        await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)
    assert refused.value.group == "char-killmail"
    wait = refused.value.until - QUIET_HOUR
    assert timedelta(minutes=14) < wait <= timedelta(minutes=15, seconds=30)
    await budget.reserve(CHARACTER_KILLMAILS, OTHER_CALLER, CallClass.LIVE)
    await budget.reserve(KILLMAIL, None, CallClass.LIVE)


async def test_each_class_leaves_its_reserve_to_the_more_urgent(budget: Budget) -> None:
    await spend_until_refused(budget, CallClass.BACKFILL)
    after_backfill = (await bucket(budget, "char-killmail", CALLER)).remaining
    await spend_until_refused(budget, CallClass.FIRST_SYNC)
    after_first_sync = (await bucket(budget, "char-killmail", CALLER)).remaining
    await spend_until_refused(budget, CallClass.LIVE)
    after_live = (await bucket(budget, "char-killmail", CALLER)).remaining
    assert after_backfill >= 12 > after_first_sync >= 3
    assert after_live < 5


async def test_tokens_come_back_one_window_after_they_were_spent(budget: Budget) -> None:
    fast = tokens(4, group="char-killmail", limit="6/1s")
    await call(budget, CHARACTER_KILLMAILS, CALLER, answer(headers=fast))
    started = time.monotonic()
    with pytest.raises(RateLimited):
        await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)
    while True:
        try:
            await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)
            break
        except RateLimited as error:
            await asyncio.sleep(max(0.01, (error.until - QUIET_HOUR).total_seconds()))
    assert 0.9 < time.monotonic() - started < 3


async def test_a_reservation_that_was_never_settled_comes_back_with_the_window(budget: Budget) -> None:
    await call(budget, CHARACTER_KILLMAILS, CALLER, answer(headers=tokens(6, group="char-killmail", limit="8/1s")))
    await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)  # and its worker dies
    with pytest.raises(RateLimited):
        await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)
    async with asyncio.timeout(5):
        while (await bucket(budget, "char-killmail", CALLER)).spent:  # noqa: ASYNC110 - it changes in Redis
            await asyncio.sleep(0.05)
    await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)


async def test_two_workers_racing_never_spend_more_than_there_is(redis_url: str) -> None:
    clients = [redis.asyncio.from_url(redis_url) for _ in range(2)]
    budgets = [Budget(client, now=lambda: QUIET_HOUR) for client in clients]
    in_use = most = calls = spent = 0
    headers = tokens(199, group="char-killmail", limit="200/15m")
    await call(budgets[0], CHARACTER_KILLMAILS, CALLER, answer(304, headers))
    spent += 1

    async def hammer(budget: Budget, status: int, cost: int) -> None:
        nonlocal in_use, most, calls, spent
        while True:
            try:
                reservation = await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)
            except RateLimited:
                if in_use == 0:
                    return
                await asyncio.sleep(0)
                continue
            in_use += 5
            most = max(most, in_use + spent)
            await asyncio.sleep(0)
            in_use, calls, spent = in_use - 5, calls + 1, spent + cost  # here ESI serves it
            await budget.settle(reservation, answer(status))

    workers = [
        hammer(budget, status, cost) for budget in budgets for status, cost in [(200, 2), (304, 1), (404, 5)] * 4
    ]
    await asyncio.gather(*workers)
    assert calls > 60
    assert 195 < spent <= 200
    assert most <= 200
    for client in clients:
        await client.aclose()


async def test_what_somebody_else_spent_counts(budget: Budget) -> None:
    await call(budget, CHARACTER_KILLMAILS, CALLER, answer(headers=tokens(6, group="char-killmail", limit="30/15m")))
    assert (await bucket(budget, "char-killmail", CALLER)).remaining == 6
    await call(budget, CHARACTER_KILLMAILS, CALLER, answer(headers=tokens(4, group="char-killmail", limit="30/15m")))
    with pytest.raises(RateLimited):
        await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)


async def test_a_remaining_that_arrives_late_does_not_lower_the_account(budget: Budget) -> None:
    first = await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    await budget.settle(first, answer(headers=tokens(3598)))
    reservations = [await budget.reserve(KILLMAIL, None, CallClass.LIVE) for _ in range(3)]
    for reservation, remaining in zip(reservations, (3592, 3596, 3594), strict=True):
        await budget.settle(reservation, answer(headers=tokens(remaining)))
    assert (await bucket(budget, "killmail")).spent >= 8


async def test_a_call_that_was_alone_believes_esi_that_tokens_came_back(budget: Budget) -> None:
    await spend_until_refused(budget, CallClass.FIRST_SYNC)
    assert (await bucket(budget, "char-killmail", CALLER)).spent >= 20
    await call(budget, CHARACTER_KILLMAILS, CALLER, answer(304, tokens(29, group="char-killmail", limit="30/15m")))
    assert (await bucket(budget, "char-killmail", CALLER)).spent == 1


async def test_calls_that_overlapped_do_not_believe_it(budget: Budget) -> None:
    await call(budget, KILLMAIL, None, answer(headers=tokens(3598)))
    for overlap in ("one begins before", "one begins after"):
        before = (await bucket(budget, "killmail")).spent
        if overlap == "one begins before":
            other, mine = [await budget.reserve(KILLMAIL, None, CallClass.LIVE) for _ in range(2)]
        else:
            mine, other = [await budget.reserve(KILLMAIL, None, CallClass.LIVE) for _ in range(2)]
        await budget.settle(other, answer())
        await budget.settle(mine, answer(headers=tokens(3598)))  # counted before the other was
        assert (await bucket(budget, "killmail")).spent == before + 4


async def test_a_401_costs_the_address_and_says_nothing_of_the_pilots_bucket(budget: Budget) -> None:
    def left(remaining: int) -> dict[str, str]:
        return tokens(remaining, group="char-killmail", limit="30/15m")

    for call_number in range(1, 11):
        await call(budget, CHARACTER_KILLMAILS, CALLER, answer(headers=left(30 - 2 * call_number)))
    # More than the pilot has left, then less: neither is the pilot's.
    for address_has in (25, 20, 15, 10, 5, 0):
        await call(budget, CHARACTER_KILLMAILS, CALLER, answer(401, left(address_has)))
        await call(budget, CHARACTER_KILLMAILS, OTHER_CALLER, answer(401, left(address_has)))
    assert (await bucket(budget, "char-killmail", CALLER)).remaining == 10
    assert (await bucket(budget, "char-killmail", OTHER_CALLER)).remaining == 30
    assert (await bucket(budget, "char-killmail")).remaining == 0, "what is the address's is kept as such"
    await budget.reserve(CHARACTER_KILLMAILS, OTHER_CALLER, CallClass.LIVE)


async def test_groups_and_sizes_are_learned_from_the_answers(budget: Budget) -> None:
    await call(budget, NAMES, None, answer(headers=tokens(12, group="names", limit="20/1h")))
    state = await bucket(budget, "names")
    assert (state.limit, state.window_seconds, state.remaining) == (20, 3600, 12)
    assert (await bucket(budget, "error-limit")).spent == 0
    for _ in range(4):
        await call(budget, NAMES, None, answer())
    with pytest.raises(RateLimited) as refused:
        await budget.reserve(NAMES, None, CallClass.LIVE)
    assert refused.value.group == "names"
    await budget.reserve(SOLAR_SYSTEM, None, CallClass.LIVE)


async def test_redis_coming_back_empty_costs_one_probe_not_a_burst(
    budget: Budget, redis_client: redis.asyncio.Redis
) -> None:
    held = await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    await redis_client.flushall()
    probe = await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    waiting = [asyncio.create_task(budget.reserve(KILLMAIL, None, CallClass.LIVE)) for _ in range(5)]
    done, _ = await asyncio.wait(waiting, timeout=0.2)
    assert not done
    await budget.settle(probe, answer(headers=tokens(9)))
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 4
    await budget.settle(held, answer(headers=tokens(7)))
    assert (await bucket(budget, "killmail")).remaining <= 7


async def test_without_redis_nothing_is_sent() -> None:
    client = redis.asyncio.from_url("redis://127.0.0.1:1/0")
    with pytest.raises(RedisUnreachable):
        await Budget(client).reserve(KILLMAIL, None, CallClass.LIVE)
    with pytest.raises(RedisUnreachable):
        await Budget(client).buckets()
    await client.aclose()


async def test_an_answer_survives_redis_going_away(budget: Budget) -> None:
    reservation = await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    client = redis.asyncio.from_url("redis://127.0.0.1:1/0")
    assert await Budget(client).settle(reservation, answer()) is None
    await client.aclose()


async def test_routes_of_the_error_limit_stop_well_before_it(budget: Budget) -> None:
    for failures in range(1, 81):
        await call(budget, NAMES, None, answer(404, errors_left(100 - failures)))
    with pytest.raises(ErrorLimited) as refused:
        await budget.reserve(NAMES, None, CallClass.LIVE)
    assert refused.value.until > QUIET_HOUR
    await budget.reserve(KILLMAIL, None, CallClass.LIVE)  # the groups have their own account


async def test_errors_that_others_made_count(budget: Budget) -> None:
    await call(budget, SOLAR_SYSTEM, None, answer(200, errors_left(19)))
    with pytest.raises(ErrorLimited):
        await budget.reserve(NAMES, None, CallClass.LIVE)


async def test_420_stops_every_route_until_the_window_ends(budget: Budget) -> None:
    error = await call(budget, NAMES, None, answer(420, errors_left(0, reset=42)))
    assert isinstance(error, ErrorLimited)
    assert timedelta(seconds=42) <= error.until - QUIET_HOUR < timedelta(seconds=60)
    for route, caller in ((KILLMAIL, None), (CHARACTER_KILLMAILS, CALLER), (SERVER_STATUS, None)):
        with pytest.raises(ErrorLimited):
            await budget.reserve(route, caller, CallClass.LIVE)
    assert [pause.scope for pause in await budget.pauses()] == ["error-limit"]


async def test_429_stops_its_bucket_as_long_as_esi_says(budget: Budget) -> None:
    error = await call(budget, CHARACTER_KILLMAILS, CALLER, answer(429, {"Retry-After": "77"}))
    assert isinstance(error, RateLimited)
    assert not isinstance(error, ErrorLimited)
    assert abs((error.until - QUIET_HOUR).total_seconds() - 77) < 1
    with pytest.raises(RateLimited):
        await budget.reserve(CHARACTER_KILLMAILS, CALLER, CallClass.LIVE)
    await budget.reserve(CHARACTER_KILLMAILS, OTHER_CALLER, CallClass.LIVE)


async def test_429_without_headers_stops_its_route_for_a_while(budget: Budget) -> None:
    error = await call(budget, NAMES, None, answer(429))
    assert isinstance(error, RateLimited)
    assert timedelta(seconds=59) < error.until - QUIET_HOUR <= timedelta(seconds=60)
    with pytest.raises(RateLimited):
        await budget.reserve(NAMES, None, CallClass.LIVE)
    await budget.reserve(SOLAR_SYSTEM, None, CallClass.LIVE)


async def test_failures_in_a_row_pause_everything_for_longer_each_time(
    budget: Budget, redis_client: redis.asyncio.Redis
) -> None:
    outcomes = [await call(budget, route, None, answer(502)) for _ in range(5) for route in (KILLMAIL, SOLAR_SYSTEM)]
    assert outcomes[:9] == [None] * 9
    opened = outcomes[9]
    assert isinstance(opened, Downtime)
    assert timedelta(seconds=5) <= opened.until - QUIET_HOUR < timedelta(seconds=7)
    untils = set()
    for _ in range(20):
        with pytest.raises(Downtime) as refused:
            await budget.reserve(NAMES, None, CallClass.LIVE)
        untils.add(refused.value.until)
    assert len(untils) > 5  # callers come back spread out
    await budget.reserve(SERVER_STATUS, None, CallClass.LIVE, heed_downtime=False)
    await redis_client.hset("killreport:{esi}:pause:downtime", "until", "0")  # the pause is over
    again = await call(budget, KILLMAIL, None, None)
    assert isinstance(again, Downtime)
    assert again.until - QUIET_HOUR >= timedelta(seconds=10)


async def test_what_fails_on_one_route_for_ever_is_no_outage(budget: Budget) -> None:
    assert [await call(budget, KILLMAIL, None, answer(500)) for _ in range(60)] == [None] * 60
    for _ in range(4):
        assert await call(budget, SOLAR_SYSTEM, None, answer(500)) is None
    assert await budget.pauses() == []
    assert isinstance(await call(budget, SOLAR_SYSTEM, None, answer(500)), Downtime)


async def test_answers_in_between_keep_the_circuit_closed(budget: Budget) -> None:
    for _ in range(40):
        assert await call(budget, KILLMAIL, None, answer(502)) is None
        assert await call(budget, KILLMAIL, None, answer(200)) is None
    assert await budget.pauses() == []


async def test_a_failure_that_says_maintenance_weighs_more(budget: Budget) -> None:
    body = b'{"error":"The datasource tranquility is temporarily unavailable"}'
    outcomes = [await call(budget, KILLMAIL, None, answer(503, body=body)) for _ in range(4)]
    assert isinstance(outcomes[-1], Downtime)


async def test_failures_in_the_daily_downtime_wait_for_its_end(redis_client: redis.asyncio.Redis) -> None:
    at = datetime(2026, 11, 23, 11, 4, tzinfo=UTC)
    budget = Budget(redis_client, now=lambda: at)
    outcomes = [await call(budget, KILLMAIL, None, answer(504)) for _ in range(3)]
    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], Downtime)
    assert timedelta(minutes=11) <= outcomes[2].until - at <= timedelta(minutes=12, seconds=1)
