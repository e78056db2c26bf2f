"""Whose turn it is to ask zKillboard: one request at a time for the whole installation, through Redis.

zKillboard wants requests spaced out, at most one a second from one address. A turn begins only when the one
before is over *and* the interval has passed since its answer came, so that however slow the network is, two
requests never reach zKillboard closer together than the interval. Times are Redis's own, in milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import redis.asyncio

from eve.errors import RedisUnreachable, ZkillboardLimited
from redis_client import REDIS_IS_AWAY

UNSETTLED_MILLISECONDS = 3_000
"""A request that has not been answered for so long has reached zKillboard, or its process is dead: others may go."""
PATIENCE_SECONDS = 2.5
"""Wait so long for a turn; then rather give the worker's slot back and come again."""
REDIS_SECONDS = 5.0
_KEY = "killreport:zkillboard:turn"

# The holder of a turn may shorten the pause it began with, nobody else.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free = tonumber(redis.call('HGET', KEYS[1], 'free') or '0')
if free > now then return free - now end
redis.call('HSET', KEYS[1], 'free', now + ARGV[2], 'holder', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2] + 60000)
return 0
"""
_GIVE_BACK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free = tonumber(redis.call('HGET', KEYS[1], 'free') or '0')
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] or free < now + ARGV[2] then
    redis.call('HSET', KEYS[1], 'free', now + ARGV[2])
    redis.call('PEXPIRE', KEYS[1], ARGV[2] + 60000)
end
return 0
"""


class Turns:
    """The installation's turns at zKillboard; any number of processes agree through Redis.

    Args:
        interval_seconds: from the answer to one request to the next request.
    """

    def __init__(self, redis: redis.asyncio.Redis, interval_seconds: float) -> None:
        self._interval = max(1, round(interval_seconds * 1000))
        self._take = redis.register_script(_TAKE)
        self._give_back = redis.register_script(_GIVE_BACK)

    @asynccontextmanager
    async def turn(self, patience_seconds: float = PATIENCE_SECONDS) -> AsyncIterator[Turn]:
        """Send one request inside the block.

        Raises:
            ZkillboardLimited: no turn became free within `patience_seconds`.
            RedisUnreachable: without Redis we could only guess.
        """
        turn = Turn(secrets.token_hex(8))
        await self._wait_for(turn, patience_seconds)
        try:
            yield turn
        finally:
            pause = max(self._interval, round(turn.pause_seconds * 1000))
            # Also when we are being cancelled: the request may have been sent. And if Redis is away just now, an
            # answer that is here is not thrown away for it: the turn ends by itself.
            with contextlib.suppress(RedisUnreachable):
                await asyncio.shield(self._run(self._give_back, turn.holder, pause))

    async def _wait_for(self, turn: Turn, patience_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_seconds
        while True:
            wait = await self._run(self._take, turn.holder, self._interval + UNSETTLED_MILLISECONDS) / 1000
            if not wait:
                return
            if loop.time() + wait > deadline:
                raise ZkillboardLimited(datetime.now(UTC) + timedelta(seconds=wait))
            # A little more than that, and not the same for all who wait.
            await asyncio.sleep(wait + secrets.randbelow(20) / 1000)

    async def _run(self, script: Any, *arguments: int | str) -> int:
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                return int(await script(keys=[_KEY], args=arguments))
        except REDIS_IS_AWAY as error:
            raise RedisUnreachable(f"The turns at zKillboard cannot be agreed on ({type(error).__name__}).") from None


class Turn:
    """One turn. Set `pause_seconds` when zKillboard asks everybody of this installation to stay away for longer."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.pause_seconds = 0.0
