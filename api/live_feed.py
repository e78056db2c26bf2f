"""Live events for many sockets of one process: one Redis subscription, one bounded queue for each socket."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator

from live import LiveEvent, LiveEvents

WAITING_EVENTS = 256
"""Events a socket may be behind; one that is further behind is closed, not buffered."""


class SlowReader(Exception):
    """This reader fell too far behind; it should connect again and read what it missed."""


class LiveFeed:
    """Fans the process's single Redis subscription out to its readers."""

    def __init__(self, events: LiveEvents) -> None:
        self._events = events
        # Weak: a subscription that ends in any way takes its reader with it.
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()

    async def follow(self) -> None:
        """Read Redis for ever; `LiveEvents.subscribe` connects again by itself."""
        async for event in self._events.subscribe():
            for reader in list(self._readers):
                reader.offer(event)

    def reader(self) -> Reader:
        """A place to read events from, from now on until nobody holds it."""
        reader = Reader()
        self._readers.add(reader)
        return reader


class Reader:
    """One socket's events, in order."""

    def __init__(self) -> None:
        # One place more than events, to wake a reader that is given up.
        self._queue: asyncio.Queue[LiveEvent | None] = asyncio.Queue(WAITING_EVENTS + 1)
        self._overrun = False

    def offer(self, event: LiveEvent) -> None:
        """Take an event, or give this reader up when it is too far behind."""
        if self._overrun:
            return
        if self._queue.qsize() >= WAITING_EVENTS:
            self._overrun = True
            self._queue.put_nowait(None)  # wakes it
        else:
            self._queue.put_nowait(event)

    async def events(self) -> AsyncIterator[LiveEvent]:
        """Events as they come, until the caller stops.

        Raises:
            SlowReader: some were lost.
        """
        while not self._overrun and (event := await self._queue.get()) is not None:
            yield event
        raise SlowReader
