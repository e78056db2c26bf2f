"""The call classes have one order of urgency, in ESI's budget and in Temporal's queues."""

from __future__ import annotations

import pytest

from contracts.call_classes import PRIORITY_OF, CallClass
from eve.errors import RateLimited
from eve.esi.budget import Budget
from eve.esi.budget_rules import RESERVES
from eve.esi.routes import CHARACTER_KILLMAILS
from tests.eve.esi.budget_calls import CALLER, answer, bucket, call, spend_until_refused

MOST_URGENT_FIRST = [
    CallClass.LIVE,
    CallClass.FIRST_SYNC,
    CallClass.BACKFILL,
    CallClass.IMPORT,
    CallClass.REFRESH,
]


def test_every_class_has_a_reserve_and_a_priority_in_the_same_order() -> None:
    assert list(CallClass) == MOST_URGENT_FIRST
    reserves = [RESERVES[one] for one in MOST_URGENT_FIRST]
    assert reserves == sorted(set(reserves))
    routine = [one for one in CallClass if one != CallClass.FIRST_SYNC]
    priorities = [PRIORITY_OF[one] for one in routine]
    assert priorities == sorted(priorities)
    # A pilot watches their first sync; the reserve keeps it from starving the looks of everybody else.
    assert PRIORITY_OF[CallClass.FIRST_SYNC] == min(PRIORITY_OF.values())


async def test_work_that_can_wait_stops_long_before_work_that_cannot(budget: Budget) -> None:
    left = []
    for call_class in reversed(MOST_URGENT_FIRST):
        await spend_until_refused(budget, call_class)
        left.append((await bucket(budget, "char-killmail", CALLER)).remaining)
        with pytest.raises(RateLimited):
            await call(budget, CHARACTER_KILLMAILS, CALLER, answer(), call_class)
    assert left == sorted(set(left), reverse=True)
