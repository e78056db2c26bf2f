"""A bucket that many draw on: several classes of work, many callers that come back, and somebody else."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
import redis.asyncio

from contracts.call_classes import CallClass
from eve.errors import ErrorLimited, RateLimited
from eve.esi.budget import Budget
from eve.esi.routes import CHARACTER_KILLMAILS, KILLMAIL, MARKET_PRICES
from tests.eve.conftest import QUIET_HOUR
from tests.eve.esi.budget_calls import CALLER, answer, bucket, call, spend_until_refused
from tests.eve.servers import tokens


async def silence(redis_client: redis.asyncio.Redis, group: str, key: str = "source-address") -> None:
    """Let it be a while since ESI last spoke of this bucket."""
    await redis_client.hset(f"killreport:{{esi}}:bucket:{group}:{key}", "heard", "0")


async def test_after_a_silence_one_call_goes_first_and_the_others_heed_its_answer(
    budget: Budget, redis_client: redis.asyncio.Redis
) -> None:
    await call(budget, KILLMAIL, None, answer(headers=tokens(3598)))
    await silence(redis_client, "killmail")
    probe = await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    waiting = [asyncio.create_task(budget.reserve(KILLMAIL, None, CallClass.LIVE)) for _ in range(5)]
    done, _ = await asyncio.wait(waiting, timeout=0.2)
    assert not done, "others may have spent it meanwhile"
    await budget.settle(probe, answer(headers=tokens(3)))
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, RateLimited) for outcome in outcomes)
    assert (await bucket(budget, "killmail")).spent_by == {"live": 4, "before": 3593}


async def test_a_probe_that_hears_nothing_gives_the_others_their_slots_back(
    budget: Budget, redis_client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eve.esi.budget.PROBE_WAIT_SECONDS", 0.1)
    await call(budget, KILLMAIL, None, answer(headers=tokens(3598)))
    await silence(redis_client, "killmail")
    await budget.reserve(KILLMAIL, None, CallClass.LIVE)  # hangs
    with pytest.raises(RateLimited) as refused:
        await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    assert refused.value.until - QUIET_HOUR < timedelta(seconds=40), "soon enough for the activity's own retry"


async def test_as_much_is_left_as_somebody_else_took_lately(budget: Budget) -> None:
    await call(budget, KILLMAIL, None, answer(headers=tokens(1000)))
    await call(budget, KILLMAIL, None, answer(headers=tokens(500)))  # 498 went elsewhere in between
    assert (await bucket(budget, "killmail")).spent_by["elsewhere"] == 498
    until = None
    for remaining in range(498, 0, -2):
        try:
            await call(budget, KILLMAIL, None, answer(headers=tokens(remaining)))
        except RateLimited as refused:
            until = refused.until
            break
    assert 490 <= (await bucket(budget, "killmail")).remaining <= 500
    assert until is not None
    assert until - QUIET_HOUR < timedelta(minutes=1), "it may be over by then"


async def test_what_each_class_spent_is_known(budget: Budget) -> None:
    await call(budget, KILLMAIL, None, answer(headers=tokens(3598)), CallClass.LIVE)
    await call(budget, KILLMAIL, None, answer(headers=tokens(3593)), CallClass.BACKFILL)
    await call(budget, KILLMAIL, None, answer(404, headers=tokens(3588)), CallClass.BACKFILL)
    state = await bucket(budget, "killmail")
    assert state.spent_by == {"live": 2, "backfill": 7, "elsewhere": 3}
    assert (state.spent, state.remaining) == (12, 3588)


async def test_callers_come_back_to_a_spent_bucket_spread_out_and_the_urgent_first(budget: Budget) -> None:
    for call_class in (CallClass.REFRESH, CallClass.BACKFILL, CallClass.FIRST_SYNC, CallClass.LIVE):
        await spend_until_refused(budget, call_class)
    untils: dict[CallClass, set[datetime]] = {}
    for call_class in (CallClass.LIVE, CallClass.BACKFILL, CallClass.REFRESH):
        untils[call_class] = set()
        for _ in range(20):
            with pytest.raises(RateLimited) as refused:
                await budget.reserve(CHARACTER_KILLMAILS, CALLER, call_class)
            untils[call_class].add(refused.value.until)
    assert all(len(moments) > 10 for moments in untils.values()), "not all at once"
    assert max(untils[CallClass.LIVE]) < min(untils[CallClass.BACKFILL])
    assert max(untils[CallClass.BACKFILL]) < min(untils[CallClass.REFRESH])
    assert max(untils[CallClass.REFRESH]) - min(untils[CallClass.LIVE]) < timedelta(minutes=1)


async def test_each_address_of_ours_has_its_own_account_and_pilots_have_one(redis_client: redis.asyncio.Redis) -> None:
    def of(name: str) -> Budget:
        return Budget(redis_client, now=lambda: QUIET_HOUR, egress=name, from_queues=True)

    budget, east, west = of(""), of("east"), of("west")
    stopped = answer(420, headers={"X-ESI-Error-Limit-Remain": "0", "X-ESI-Error-Limit-Reset": "30"})
    assert isinstance(await call(east, MARKET_PRICES, None, stopped), ErrorLimited)
    with pytest.raises(ErrorLimited):
        await call(east, KILLMAIL, None, answer())
    await call(west, KILLMAIL, None, answer(headers=tokens(4)))
    await call(budget, KILLMAIL, None, answer(headers=tokens(3598)))
    await call(west, CHARACTER_KILLMAILS, CALLER, answer(headers=tokens(28, group="char-killmail", limit="30/15m")))
    assert [pause.scope for pause in await budget.pauses()] == ["error-limit@east"]
    left = {(state.group, state.key): state.remaining for state in await budget.buckets()}
    assert left["killmail", "source-address@west"] == 4
    assert left["killmail", "source-address"] == 3598
    assert left["char-killmail", CALLER] == 28
    with pytest.raises(RateLimited) as refused:
        await west.reserve(KILLMAIL, None, CallClass.LIVE)
    assert refused.value.until - QUIET_HOUR <= timedelta(seconds=30), "another address has room: it may take the call"
    await call(budget, KILLMAIL, None, answer(headers=tokens(0)))
    with pytest.raises(RateLimited) as refused:
        await west.reserve(KILLMAIL, None, CallClass.LIVE)
    assert refused.value.until - QUIET_HOUR > timedelta(minutes=10), "none has"
