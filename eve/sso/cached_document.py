"""A small document of somebody else's server, fetched rarely: cached, by one caller at a time, kept through outages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from eve.errors import EveError, Unavailable

TTL_SECONDS = 3600.0
STALE_SECONDS = 24 * 3600.0
"""How long an old copy serves while a new one cannot be had."""
FETCH_INTERVAL_SECONDS = 60.0
"""Least time between two fetches that nobody's clock asked for: strangers must not make us hammer EVE."""
FAILURE_INTERVAL_SECONDS = 1.0
"""Callers within this time of a failed fetch, with no copy to serve, share its failure."""

Document = TypeVar("Document")


class CachedDocument(Generic[Document]):
    """The latest copy of what `fetch` gives. `clock` is monotonic, in seconds."""

    def __init__(self, fetch: Callable[[], Awaitable[Document]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._single_flight = asyncio.Lock()
        self._copy: Document | None = None
        self._fetched_at = self._tried_at = float("-inf")

    async def get(self) -> Document:
        """A copy of at most an hour, or of at most a day while the server fails.

        Raises:
            Unavailable, MalformedBody: there is no such copy, and none can be had.
        """
        if self._copy is not None and self._age() < TTL_SECONDS:
            return self._copy
        async with self._single_flight:
            if self._copy is None:
                if self._clock() - self._tried_at < FAILURE_INTERVAL_SECONDS:
                    raise Unavailable("EVE SSO did not answer a moment ago.")
                return await self._fetch_now()
            if self._age() < TTL_SECONDS or (self._tried_lately() and self._age() < STALE_SECONDS):
                return self._copy
            try:
                return await self._fetch_now()
            except EveError:
                if self._age() < STALE_SECONDS:
                    return self._copy
                raise

    async def newer_than(self, seen: Document) -> Document:
        """A copy fetched after `seen` was, unless the last try is less than a minute old; then `seen` again.

        Raises:
            Unavailable, MalformedBody: it was tried just now and failed.
        """
        async with self._single_flight:
            if self._copy is not None and (self._copy is not seen or self._tried_lately()):
                return self._copy
            return await self._fetch_now()

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _tried_lately(self) -> bool:
        return self._clock() - self._tried_at < FETCH_INTERVAL_SECONDS

    async def _fetch_now(self) -> Document:
        self._tried_at = self._clock()
        self._copy = await self._fetch()
        self._fetched_at = self._clock()
        return self._copy
