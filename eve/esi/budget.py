"""ESI's budgets, kept in Redis and shared by every worker: ask here before each request, report after it.

ESI counts tokens, not requests, in sliding windows, per group and application:character (routes with a
token) or source address (public routes); the routes outside any group share the legacy error limit, which
once spent stops *all* routes with 420 (ESI docs, "Rate limiting" and "Error limit"). Each call reserves
the most it may cost before it is sent, so that workers racing for the last tokens cannot overspend, and
settles with what it did cost; what ESI's headers say corrects the account.

When Redis cannot be reached nothing is sent (`RedisUnreachable`): without the account we could only guess.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
import redis.asyncio

from contracts.call_classes import CallClass
from eve.answer import Answer, utc_now
from eve.errors import Downtime, ErrorLimited, EveError, RateLimited, RedisUnreachable
from eve.esi import budget_scripts
from eve.esi.budget_messages import Account, Left, Outcome, Refused, RefusedLately, Reserved, Seen, Stop, Wish
from eve.esi.budget_rules import (
    ERROR_RESERVE,
    NOT_OURS,
    RESERVES,
    TURNS,
    WORST_COST,
    at,
    bucket_name,
    cost_of,
    pause_name,
    payer_of,
)
from eve.esi.budget_states import BucketState, Pause, Reservation
from eve.esi.downtime import daily_downtime_ends, says_downtime
from eve.esi.limit_headers import LimitSeen, limit_seen
from eve.esi.responses import error_limit_reset
from eve.esi.routes import ERROR_LIMIT, Limit, Route
from eve.responses import retry_after
from redis_client import REDIS_IS_AWAY

__all__ = ["BucketState", "Budget", "CallClass", "Pause", "Reservation"]

log = logging.getLogger(__name__)

Told = TypeVar("Told")

PROBE_WAIT_SECONDS = 5.0
"""Longest wait for the one call that goes first on a bucket nobody has heard of lately; then the slot is given back."""
PROBE_LOOKS_SECONDS = (0.01, 0.1)
"""First and longest pause between two looks at whether that call is over."""
LONGEST_TURN = 15_000
"""Milliseconds over which the callers of one class come back to a bucket that was spent."""
REDIS_SECONDS = 5.0
REDIS_CALLS_AT_ONCE = 20
"""Per process: a burst of calls must not ask for more connections than the client's pool holds."""
BARE_LIMIT_MILLISECONDS = (60_000, 900_000)
"""First and longest pause after a 429 without Retry-After; doubles each time."""
CIRCUIT_THRESHOLD = 10
"""Failures more than successes, within two minutes, after which all calls pause."""
MOST_OF_A_ROUTE = 5
"""Failures of one route that count for it: killmails that answer 500 for ever must not stop everybody."""
DOWNTIME_THRESHOLD = 3
"""The same within the daily downtime."""
DOWNTIME_POINTS = 3
"""An answer that says the game is away counts as so many failures."""
CIRCUIT_MILLISECONDS = (5_000, 300_000)
"""First and longest pause of the circuit; doubles each time it opens again."""

REFUSALS_KEPT_MILLISECONDS = 600_000

_PREFIX = "killreport:{esi}:"
_CIRCUIT = _PREFIX + "failures"
_BUCKETS = _PREFIX + "buckets"
_PAUSES = _PREFIX + "pauses"
_REFUSED = _PREFIX + "refused"


class Budget:
    """The account of all of ESI's budgets. One per process is enough; any number agree through Redis.

    `egress` names the source address that ESI sees: what it counts by address is counted by this name. A pilot's own
    buckets are the same from everywhere. That EVE is down, too, each address finds out for itself: it may be the only
    one that cannot reach it.

    Args:
        from_queues: its calls are work of the task queues. What one address has nothing left for, a worker with
            another address may take.
    """

    def __init__(
        self,
        redis: redis.asyncio.Redis,
        now: Callable[[], datetime] = utc_now,
        *,
        egress: str = "",
        from_queues: bool = False,
    ) -> None:
        self._now = now
        self._egress = egress
        self._from_queues = from_queues
        self._downtime, self._error_limit = at("downtime", egress), at("error-limit", egress)
        self._circuit = at(_CIRCUIT, egress)
        self._learned: dict[Route, Limit | None] = {}
        self._reserve = redis.register_script(budget_scripts.RESERVE)
        self._settle = redis.register_script(budget_scripts.SETTLE)
        self._pause = redis.register_script(budget_scripts.PAUSE)
        self._look = redis.register_script(budget_scripts.LOOK)
        self._left = redis.register_script(budget_scripts.LEFT)
        self._refused = redis.register_script(budget_scripts.REFUSED)
        self._redis = redis
        self._redis_calls = asyncio.Semaphore(REDIS_CALLS_AT_ONCE)

    async def reserve(
        self, route: Route, caller: str | None, call_class: CallClass, *, heed_downtime: bool = True
    ) -> Reservation:
        """Take what a call of `route` may cost. `caller` is "client id:character id", None on public routes.

        Raises:
            RateLimited: the bucket holds too little for this class, or is paused.
            ErrorLimited: too few errors are left, or ESI said 420: every route waits.
            Downtime: EVE is down; not raised when `heed_downtime` is false (to ask whether it still is).
            RedisUnreachable: Redis does not answer.
        """
        limit = self._learned.get(route, route.limit) or ERROR_LIMIT
        legacy = limit.group == ERROR_LIMIT.group
        name = bucket_name(limit, caller, self._egress)
        keys = [
            _PREFIX + "bucket:" + name,
            _pause(pause_name(route, limit, caller, self._egress)),
            _pause(self._error_limit),
            _pause(self._downtime),
            _BUCKETS,
            _PREFIX + "addresses:" + limit.group,
        ]
        wish = Wish(
            cost=1 if legacy else WORST_COST,
            kept=max(RESERVES[call_class], ERROR_RESERVE if legacy else 0),
            limit=limit.tokens,
            window=limit.window_seconds * 1000,
            probe=not legacy,
            elsewhere=self._from_queues and (legacy or caller is None),
            heed_downtime=heed_downtime,
            name=name,
            call_class=call_class,
        )
        waited, (delay, longest) = 0.0, PROBE_LOOKS_SECONDS
        while True:
            got = await self._run(self._reserve, keys, wish, Reserved)
            if got.outcome is Outcome.GRANTED:
                return Reservation(
                    route, caller, call_class, limit, got.slot, got.born, got.cost, got.alone, heed_downtime
                )
            if got.outcome is not Outcome.PROBING or waited > PROBE_WAIT_SECONDS:
                raise self._refusal(got, limit.group, call_class)
            await asyncio.sleep(delay)
            waited, delay = waited + delay, min(2 * delay, longest)

    async def settle(self, reservation: Reservation, answer: Answer | None) -> EveError | None:
        """Account for what the call came to; `answer` None: none came.

        Returns the error to raise instead of the answer's own when the account knows better until when to
        wait (a 429, a 420, or a failure that opened the circuit). Never raises: an answer that is
        here is not thrown away because Redis is not; what is reserved comes back with the window.
        """
        try:
            return await self._account(reservation, answer)
        except RedisUnreachable as error:
            log.warning("An ESI call to %s could not be settled: %s", reservation.route.template, error)
            return None

    async def buckets(self) -> list[BucketState]:
        """Every bucket in use, the emptiest first.

        Raises:
            RedisUnreachable: Redis does not answer.
        """
        names = [name async for name in self._names(_BUCKETS)]
        if not names:
            return []
        found = await self._run(self._look, [_PREFIX + "bucket:" + name for name in names], None, list[Seen])
        states = []
        for name, seen in zip(names, found, strict=True):
            group, _, key = name.partition(":")
            spent_by = {str(one): seen.spent_by[one] for one in (*CallClass, *NOT_OURS) if seen.spent_by.get(one)}
            spent = sum(spent_by.values())
            left = max(0, seen.limit - spent)
            states.append(BucketState(group, key, seen.limit, seen.window // 1000, spent, left, spent_by))
        return sorted(states, key=lambda state: (state.remaining / max(1, state.limit), state.group, state.key))

    async def pauses(self) -> list[Pause]:
        """What stands still now.

        Raises:
            RedisUnreachable: Redis does not answer.
        """
        names = [self._downtime, self._error_limit]
        names += [name async for name in self._names(_PAUSES) if name not in names]
        left = await self._run(self._left, [_pause(name) for name in names], None, list[Left])
        return [Pause(name, self._at(one.wait)) for name, one in zip(names, left, strict=True) if one.wait]

    async def refused_lately(self, caller: str) -> int:
        """Note that ESI refused `caller`; how many callers it has refused within the last ten minutes.

        Raises:
            RedisUnreachable: Redis does not answer.
        """
        lately = RefusedLately(caller, REFUSALS_KEPT_MILLISECONDS)
        return (await self._run(self._refused, [_REFUSED], lately, Refused)).callers

    async def _account(self, reservation: Reservation, answer: Answer | None) -> EveError | None:
        seen = limit_seen(answer.headers) if answer is not None else None
        away = answer is not None and says_downtime(answer.body)
        failed = answer is None or answer.status >= 500 or (answer.status == 200 and away)
        counted = seen.limit if seen is not None else reservation.bucket
        if counted.group != reservation.bucket.group:
            self._learned[reservation.route] = counted  # ESI counts this route elsewhere than we believed
        there = replace(reservation, caller=payer_of(reservation.caller, answer), bucket=counted)
        told, cost = answer, cost_of(counted, answer)
        if self._bucket_of(there) != self._bucket_of(reservation):
            await self._charge(replace(there, slot=0, born=0, tokens=0, alone=0), answer, seen, cost, points=None)
            seen, told, cost = None, None, 0  # nothing was said of the bucket reserved in
        points = None
        if reservation.heeds_downtime and not (answer is not None and answer.status in (420, 429)):
            points = 0 if not failed else DOWNTIME_POINTS if away else 1
        paused = await self._charge(reservation, told, seen, cost, points=points)
        if answer is not None and answer.status in (420, 429):
            return await self._limited(reservation, counted, answer)
        return Downtime(self._spread(paused)) if failed and paused else None

    async def _charge(
        self, reservation: Reservation, answer: Answer | None, seen: LimitSeen | None, cost: int, *, points: int | None
    ) -> int:
        """Put down what a call cost; milliseconds until the pause of everything ends."""
        name = self._bucket_of(reservation)
        now = self._now()
        ends = daily_downtime_ends(now)
        threshold = DOWNTIME_THRESHOLD if ends else CIRCUIT_THRESHOLD
        # At that hour, and where ESI says so itself, one route is evidence enough.
        is_told = ends is not None or (points or 0) > 1
        account = Account(
            name=name,
            call_class=reservation.call_class,
            slot=reservation.slot,
            born=reservation.born,
            reserved=reservation.tokens,
            alone=reservation.alone,
            actual=cost,
            answered=answer is not None and answer.status < 500,
            limit=seen.limit.tokens if seen else None,
            window=seen.limit.window_seconds * 1000 if seen else None,
            remaining=seen.remaining if seen else None,
            believed_limit=reservation.bucket.tokens,
            believed_window=reservation.bucket.window_seconds * 1000,
            pause=self._downtime,
            points=points,
            route=reservation.route.template,
            most_of_a_route=threshold if is_told else MOST_OF_A_ROUTE,
            threshold=threshold,
            first_pause=CIRCUIT_MILLISECONDS[0],
            longest_pause=CIRCUIT_MILLISECONDS[1],
            fixed_pause=None if ends is None else int((ends - now).total_seconds() * 1000) + 1,
        )
        keys = [_PREFIX + "bucket:" + name, self._circuit, _pause(self._downtime), _BUCKETS, _PAUSES]
        return (await self._run(self._settle, keys, account, Left)).wait

    async def _limited(self, reservation: Reservation, limit: Limit, answer: Answer) -> RateLimited:
        if answer.status == 420:
            stop = Stop(self._error_limit, error_limit_reset(answer) * 1000)
            wait = (await self._run(self._pause, [_pause(self._error_limit), _PAUSES], stop, Left)).wait
            return ErrorLimited(self._spread(wait), ERROR_LIMIT.group)
        seconds = retry_after(answer, self._now())
        name = pause_name(reservation.route, limit, reservation.caller, self._egress)
        stop = Stop(name, None if seconds is None else seconds * 1000, *BARE_LIMIT_MILLISECONDS)
        wait = (await self._run(self._pause, [_pause(name), _PAUSES], stop, Left)).wait
        return RateLimited(self._at(wait), "" if limit.group == ERROR_LIMIT.group else limit.group)

    def _bucket_of(self, reservation: Reservation) -> str:
        return bucket_name(reservation.bucket, reservation.caller, self._egress)

    def _refusal(self, got: Reserved, group: str, call_class: CallClass) -> EveError:
        if got.outcome is Outcome.DOWNTIME:
            return Downtime(self._spread(got.wait))
        legacy = group == ERROR_LIMIT.group
        if got.outcome is Outcome.ERROR_LIMITED or (got.outcome is Outcome.SPENT and legacy):
            return ErrorLimited(self._spread(got.wait), ERROR_LIMIT.group)
        return RateLimited(self._at(got.wait + _spread_of(call_class, got.window)), "" if legacy else group)

    def _at(self, milliseconds: int) -> datetime:
        return self._now() + timedelta(milliseconds=milliseconds)

    def _spread(self, milliseconds: int) -> datetime:
        """The end of a pause of everything, a little later for each caller, so that they do not return at once."""
        longest = min(60_000, milliseconds // 4 + 500)
        return self._at(milliseconds + secrets.randbelow(longest))

    async def _names(self, index: str) -> Any:
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                names = await self._redis.zrange(index, 0, -1)
        except REDIS_IS_AWAY as error:
            raise _unreachable(error) from None
        for name in names:
            yield name.decode() if isinstance(name, bytes) else name

    async def _run(self, script: Any, keys: Sequence[str], told: msgspec.Struct | None, answered: type[Told]) -> Told:
        arguments = [] if told is None else [msgspec.json.encode(told)]
        try:
            async with self._redis_calls, asyncio.timeout(REDIS_SECONDS):
                return msgspec.json.decode(await script(keys=keys, args=arguments), type=answered)
        except REDIS_IS_AWAY as error:
            raise _unreachable(error) from None


def _spread_of(call_class: CallClass, window: int) -> int:
    """How long after a bucket's tokens came back a caller asks again: not all at once, and the more urgent first.

    Milliseconds, as the window. What came back is then the more urgent ones' before the others ask for it.
    """
    turn = min(LONGEST_TURN, window // 60)
    return TURNS[call_class] * turn + secrets.randbelow(turn + 1)


def _pause(name: str) -> str:
    return _PREFIX + "pause:" + name


def _unreachable(error: Exception) -> RedisUnreachable:
    return RedisUnreachable(f"The shared account of ESI's budget cannot be reached ({type(error).__name__}).")
