"""How much each caller may ask: requests, and what their operations cost, in a bucket that fills again by itself.

A bucket is the account's, the API key's, or else the address's. It is in Redis, one for all processes, and taken from
by one script, so that no two of them ever give away the same token. Without Redis nobody is limited
(docs/decisions/0016-without-redis-nobody-is-limited.md).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from redis.asyncio import Redis

from db.accounts.sessions import Caller
from redis_client import REDIS_IS_AWAY
from settings import Settings

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
PATIENCE_SECONDS = 0.5
"""How long a request waits for Redis."""
REST_SECONDS = 5.0
"""How long Redis is left alone once it did not answer."""
REMEMBERED = 10_000
"""Refused callers that a process remembers, to refuse them without any work."""

# KEYS the bucket; ARGV quota of requests, quota of cost, window in seconds, requests, cost.
# Reply {granted 0 or 1, requests left, cost left, milliseconds until it would be granted}.
# Time is Redis's own, so that all processes share a clock.
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local window = tonumber(ARGV[3]) * 1000
local kept = redis.call('HMGET', KEYS[1], 'at', 'requests', 'cost')
local elapsed = math.max(0, now - (tonumber(kept[1]) or 0))
local left, wait = {}, 0
for i = 1, 2 do
  local quota, wanted = tonumber(ARGV[i]), tonumber(ARGV[3 + i])
  left[i] = math.min(quota, (tonumber(kept[1 + i]) or quota) + elapsed * quota / window)
  if left[i] < wanted then wait = math.max(wait, math.ceil((wanted - left[i]) * window / quota)) end
end
if wait == 0 then
  left[1] = left[1] - ARGV[4]
  left[2] = left[2] - ARGV[5]
  redis.call('HSET', KEYS[1], 'at', now, 'requests', tostring(left[1]), 'cost', tostring(left[2]))
  redis.call('PEXPIRE', KEYS[1], window)
end
return {wait == 0 and 1 or 0, math.floor(left[1]), math.floor(left[2]), wait}
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a bucket holds when it is full; it fills in `WINDOW_SECONDS`."""

    requests: int
    cost: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose bucket it is."""

    name: str
    quota: Quota


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a request, and what is left in the bucket."""

    granted: bool
    quota: Quota
    requests_left: int
    cost_left: int
    retry_after: int
    """Seconds; 0 when it was granted."""

    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-10; `t` is when the quota is whole again."""
        quota = self.quota
        parts = (("requests", quota.requests, self.requests_left), ("cost", quota.cost, self.cost_left))
        fields = {
            "RateLimit-Policy": ", ".join(f'"{name}";q={whole};w={WINDOW_SECONDS}' for name, whole, _ in parts),
            "RateLimit": ", ".join(
                f'"{name}";r={left};t={math.ceil((whole - left) / whole * WINDOW_SECONDS)}'
                for name, whole, left in parts
            ),
        }
        if not self.granted:
            fields["Retry-After"] = str(self.retry_after)
        return fields


class RateLimits:
    """The limits of this installation."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._take = redis.register_script(TAKE)
        self._known = Quota(settings.graphql_requests_per_minute, settings.graphql_cost_per_minute)
        self._strangers = Quota(
            settings.graphql_anonymous_requests_per_minute, settings.graphql_anonymous_cost_per_minute
        )
        self._rests_until = 0.0
        self._taking: set[asyncio.Future[Verdict | None]] = set()
        self._refused: dict[str, tuple[float, Verdict]] = {}

    def identity(self, caller: Caller | None, address: str) -> Identity:
        """Who is to be limited. An API key has a bucket of its own: a program must not lock its pilot out."""
        if caller is None:
            return Identity(f"address:{_network(address)}", self._strangers)
        if caller.api_key_id is not None:
            return Identity(f"key:{caller.api_key_id}", self._known)
        return Identity(f"account:{caller.account_id}", self._known)

    def refused_before(self, identity: Identity) -> Verdict | None:
        """The verdict on a caller that this process had to refuse and that is too early still; costs nothing."""
        until, verdict = self._refused.get(identity.name, (0.0, None))
        left = until - time.monotonic()
        if verdict is None or left <= 0:
            self._refused.pop(identity.name, None)
            return None
        return Verdict(False, verdict.quota, 0, verdict.cost_left, math.ceil(left))

    async def take(self, identity: Identity, cost: int) -> Verdict | None:
        """Take a request of this cost from the bucket. None: Redis does not answer, so nothing is limited."""
        if time.monotonic() < self._rests_until:
            return None
        # A task of its own: redis-py may swallow the cancellation of a caller whose socket closed just now.
        taking = asyncio.ensure_future(self._take_from(identity, cost))
        self._taking.add(taking)
        taking.add_done_callback(self._taking.discard)
        return await asyncio.shield(taking)

    async def _take_from(self, identity: Identity, cost: int) -> Verdict | None:
        quota = identity.quota
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                granted, requests_left, cost_left, wait = await self._take(
                    [f"killreport:limit:{identity.name}"], [quota.requests, quota.cost, WINDOW_SECONDS, 1, cost]
                )
        except REDIS_IS_AWAY as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("Redis does not answer (%s): requests are not limited.", type(error).__name__)
            return None
        verdict = Verdict(bool(granted), quota, max(0, requests_left), max(0, cost_left), math.ceil(wait / 1000))
        if not granted and not requests_left:
            self._remember(identity, verdict, wait / 1000)
        return verdict

    def _remember(self, identity: Identity, verdict: Verdict, seconds: float) -> None:
        if len(self._refused) >= REMEMBERED:
            self._refused.clear()
        self._refused[identity.name] = (time.monotonic() + seconds, verdict)


def _network(address: str) -> str:
    """What one household or machine is likely to have: an IPv4 address, or a /64 of IPv6 (RFC 6177)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped is not None else f"{parsed.exploded[:19]}::/64"
    return str(parsed)
