"""A budget as calls see it: what a call asks, is answered, and leaves."""

import contextlib

from multidict import CIMultiDict, CIMultiDictProxy

from contracts.call_classes import CallClass
from eve.answer import Answer
from eve.errors import EveError, RateLimited
from eve.esi.budget import BucketState, Budget
from eve.esi.routes import CHARACTER_KILLMAILS, Route

CALLER = "client:2112625428"


OTHER_CALLER = "client:95465499"


def answer(status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Answer:
    return Answer(status, CIMultiDictProxy(CIMultiDict(headers or {})), body)


async def bucket(budget: Budget, group: str, key: str = "source-address") -> BucketState:
    return next(state for state in await budget.buckets() if (state.group, state.key) == (group, key))


async def call(
    budget: Budget, route: Route, caller: str | None, response: Answer | None, call_class: CallClass = CallClass.LIVE
) -> EveError | None:
    return await budget.settle(await budget.reserve(route, caller, call_class), response)


async def spend_until_refused(budget: Budget, call_class: CallClass, status: int = 200) -> int:
    count = 0
    with contextlib.suppress(RateLimited):
        for count in range(1000):  # noqa: B007 - how many went through before the refusal
            await call(budget, CHARACTER_KILLMAILS, CALLER, answer(status), call_class)
    return count
