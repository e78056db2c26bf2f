"""How much may be asked of EVE SSO's token endpoint: one brake for the whole installation, in Redis.

More than five calls at once have been seen to answer 500 (sso-issues #58), and an SSO that fails is not helped by
everybody trying again. So calls take one of a few places; failures that outnumber successes stop all calls for a
while, a longer while each time; a 429 stops them for as long as it says. A call that hangs keeps its place for
`SLOT_MILLISECONDS` only: it is waited for, but it holds nobody up. All times are Redis's own.

Of those who wait within a process one asks Redis, the others stand behind it in their order. It asks again as soon as a
call of its own process has its answer, and now and then because of the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
import redis.asyncio

from eve.errors import NotAsked, RedisUnreachable, SsoLimited, Unavailable
from redis_client import REDIS_IS_AWAY

SLOT_MILLISECONDS = 10_000
PATIENCE_SECONDS = 10.0
"""Wait so long for a place; then come again."""
THRESHOLD = 5
"""Failures more than successes, within two minutes, after which all calls stop."""
PAUSE_MILLISECONDS = (5_000, 120_000)
"""First and longest stop, after failures or a 429 that does not say how long; doubles each time."""
REDIS_SECONDS = 5.0
_SLOTS, _STOP = "killreport:{sso}:slots", "killreport:{sso}:stop"

Answer = TypeVar("Answer")


class _Stopped(StrEnum):
    NOT = ""
    FAILING = "failing"
    LIMITED = "limited"


class _Told(msgspec.Struct, frozen=True):
    holder: str
    slot: int  # milliseconds
    slots: int
    failed: bool = False
    limited: bool = False
    said: int = 0  # milliseconds of a Retry-After; 0: not said
    threshold: int = THRESHOLD
    first: int = PAUSE_MILLISECONDS[0]
    longest: int = PAUSE_MILLISECONDS[1]


class _Place(msgspec.Struct, frozen=True):
    wait: int
    """Milliseconds; 0: the place is ours."""
    stopped: _Stopped


_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local told = cjson.decode(ARGV[1])
"""
_ENTER = (
    _NOW
    + """
local left = (tonumber(redis.call('HGET', KEYS[2], 'until')) or 0) - now
if left > 0 then return cjson.encode({wait = left, stopped = redis.call('HGET', KEYS[2], 'why')}) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= told.slots then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return cjson.encode({wait = math.max(1, tonumber(first[2]) - now), stopped = ''})
end
redis.call('ZADD', KEYS[1], now + told.slot, told.holder)
redis.call('PEXPIRE', KEYS[1], 2 * told.slot)
return cjson.encode({wait = 0, stopped = ''})
"""
)
_LEAVE = (
    _NOW
    + """
redis.call('ZREM', KEYS[1], told.holder)
local stop = KEYS[2]
local score = tonumber(redis.call('HGET', stop, 'score')) or 0
if not told.failed and not told.limited then
  if score > 1 then redis.call('HSET', stop, 'score', score - 1) end
  if score == 1 then redis.call('DEL', stop) end
  return 0
end
score = score + 1
local left = (tonumber(redis.call('HGET', stop, 'until')) or 0) - now
if left <= 0 and (told.limited or score >= told.threshold) then
  local times = redis.call('HINCRBY', stop, 'times', 1)
  local length = math.min(told.longest, told.first * 2 ^ math.min(times - 1, 20))
  if told.said > 0 then length = told.said end
  -- One more failure after the stop brings the next, longer one.
  score = math.min(score, told.threshold - 1)
  redis.call('HSET', stop, 'until', now + length, 'why', told.limited and 'limited' or 'failing')
  left = length
end
redis.call('HSET', stop, 'score', score)
redis.call('PEXPIRE', stop, math.max(0, left) + 120000)
return 0
"""
)


class Brake:
    """The installation's brake; any number of processes agree through Redis."""

    def __init__(
        self,
        redis: redis.asyncio.Redis,
        at_once: int,
        patience_seconds: float = PATIENCE_SECONDS,
        slot_milliseconds: int = SLOT_MILLISECONDS,
    ) -> None:
        """`at_once`: how many places there are; the installation's processes must agree on it."""
        self._at_once = at_once
        self._front = asyncio.Lock()
        self._answered = asyncio.Event()
        self._patience = patience_seconds
        self._slot = slot_milliseconds
        self._enter = redis.register_script(_ENTER)
        self._leave = redis.register_script(_LEAVE)

    async def call(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `ask` gives; it is called once, or not at all.

        Raises:
            SsoLimited: SSO asked us to stay away, or no place became free in time; `ask` was not called.
            NotAsked: SSO fails, or (`RedisUnreachable`) Redis does not answer; `ask` was not called.
            EveError: whatever `ask` raised.
        """
        holder = secrets.token_hex(8)
        await self._wait_for_a_place(holder)
        told = self._told(holder)
        try:
            return await ask()
        except SsoLimited as error:
            seconds = (error.until - datetime.now(UTC)).total_seconds()
            told = self._told(holder, limited=True, said=0 if error.bare else max(1, round(seconds * 1000)))
            raise
        except Unavailable:
            told = self._told(holder, failed=True)
            raise
        finally:
            await self._give_back(told)

    def _told(self, holder: str, *, failed: bool = False, limited: bool = False, said: int = 0) -> _Told:
        return _Told(holder, self._slot, self._at_once, failed, limited, said)

    async def _wait_for_a_place(self, holder: str) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience
        try:
            async with asyncio.timeout_at(deadline):
                await self._front.acquire()
        except TimeoutError:
            raise SsoLimited(_soon(0)) from None
        try:
            await self._ask_for_a_place(holder, deadline)
        finally:
            self._front.release()

    async def _ask_for_a_place(self, holder: str, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._answered.clear()
            place = await self._place(holder)
            if not place.wait:
                return
            until = _soon(place.wait)
            if place.stopped is _Stopped.FAILING:
                raise NotAsked(f"EVE SSO fails; it is asked again at {until:%H:%M:%S} EVE time.")
            if place.stopped is _Stopped.LIMITED or loop.time() > deadline:
                raise SsoLimited(until)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(place.wait, 50 + secrets.randbelow(100)) / 1000):
                    await self._answered.wait()

    async def _place(self, holder: str) -> _Place:
        try:
            return msgspec.json.decode(await self._run(self._enter, self._told(holder)), type=_Place)
        except REDIS_IS_AWAY as error:
            raise RedisUnreachable(f"The brake for EVE SSO cannot be reached ({type(error).__name__}).") from None

    async def _give_back(self, told: _Told) -> None:
        # An answer that is here is not thrown away because Redis is not: the place ends by itself.
        try:
            await self._run(self._leave, told)
        except REDIS_IS_AWAY:
            return
        finally:
            self._answered.set()

    async def _run(self, script: Any, told: _Told) -> Any:
        async with asyncio.timeout(REDIS_SECONDS):
            return await script(keys=[_SLOTS, _STOP], args=[msgspec.json.encode(told)])


def _soon(milliseconds: int) -> datetime:
    """After so long, and not the same moment for all who wait."""
    return datetime.now(UTC) + timedelta(milliseconds=milliseconds + secrets.randbelow(milliseconds // 4 + 500))
