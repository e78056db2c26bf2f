"""The live part of an API process: one subscription to Redis, one reader of Postgres, for all its sockets."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection

import asyncpg

from api.caller import callers_now
from api.live.killmail_stream import KillmailStream
from api.live.members import Member
from api.live.sockets import Sockets
from api.live.sync_stream import SyncStream
from db.failures import DATABASE_FAILURES
from live import LiveEvents
from long_lived import LongLived

log = logging.getLogger(__name__)

LOOK_ANYWAY_SECONDS = 30.0
"""However quiet Redis is: events may be lost, and sessions expire without a word."""
AGAIN_SECONDS = 1.0
EVERYONE_SECONDS = 1.0
"""However many boards change: all sockets are asked about once in so long at most. Killmails wait for it, so that who
gets them is not picked by what they could see before.
"""


class LiveFeed:
    """Rings, reads, and sees to it that only those are sent anything who still may see it."""

    def __init__(self, events: LiveEvents, pool: asyncpg.Pool, *, sync_interval_seconds: int, everything: bool) -> None:
        self._events = events
        self._pool = pool
        self._bell = asyncio.Event()
        self._suspects: set[int] = set()
        """Accounts whose sessions, keys or characters changed."""
        self._everyone = False
        """Whether all accounts are to be looked at."""
        self._everyone_at = 0.0
        """Not before then, by the monotonic clock."""
        self.sockets = Sockets()
        self.killmails = KillmailStream(pool, self._question, self._still_allowed, everything=everything)
        self.syncs = SyncStream(pool, self._still_allowed, sync_interval_seconds)

    def ring(self) -> None:
        """There may be something new."""
        self._bell.set()

    def follow(self, tasks: LongLived) -> None:
        """Begin; ends with the tasks."""
        tasks.start("live events", self._listen, self._look_at_all)
        tasks.start("live reader", self._read, self._lose_all)

    @property
    def is_interrupted(self) -> bool:
        """Whether what is new is noticed late: Redis does not tell of it."""
        return self._events.is_interrupted

    def _look_at_all(self) -> None:
        """Events may have been lost, of whatever kind."""
        self._everyone = True
        self.syncs.note_all()
        self.ring()

    def _lose_all(self) -> None:
        """What had been read may not have been sent; with their cursors they come again and get it."""
        for follower in self.sockets.all():
            follower.lose()

    async def _listen(self) -> None:
        """`LiveEvents.subscribe` connects again by itself."""
        async for event in self._events.subscribe(self._look_at_all):
            if event.kind == "sync":
                self.syncs.note(event.character_ids)
            elif event.kind == "access":
                self._suspects |= set(event.account_ids)
            elif event.kind == "boards":
                self._everyone = True
            self.ring()

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_ANYWAY_SECONDS):
                    await self._bell.wait()
            except TimeoutError:
                self._look_at_all()
            self._bell.clear()
            try:
                await self._question()
                await self.killmails.read()
                await self.syncs.read()
            except DATABASE_FAILURES as error:
                log.warning("The live feed waits for Postgres (%s).", type(error).__name__)
            except Exception:
                log.exception("The live feed stumbled; it goes on.")
            else:
                continue
            await asyncio.sleep(AGAIN_SECONDS)
            self.ring()

    async def _question(self) -> None:
        """Close the sockets whose session or key is no more; what the others may see may have changed."""
        if self._everyone:
            await asyncio.sleep(self._everyone_at - time.monotonic())
            self._everyone_at = time.monotonic() + EVERYONE_SECONDS
        suspects, everyone, self._suspects, self._everyone = self._suspects, self._everyone, set(), False
        followers = self.sockets.all() if everyone else [one for who in suspects for one in self.sockets.of(who)]
        if not followers:
            return
        try:
            callers = await callers_now(self._pool, {follower.credentials for follower in followers})
        except BaseException:
            self._suspects |= suspects
            self._everyone |= everyone
            raise
        for follower in followers:
            if follower.credentials not in callers:
                follower.end_session()
        for member in (*self.killmails.groups.members, *self.syncs.groups.members):
            if (caller := callers.get(member.follower.credentials)) is not None:
                member.update(caller)

    async def _still_allowed(self, members: Collection[Member]) -> list[Member]:
        """Those whose session or key still opens what they follow; the sockets of the others are closed."""
        if not members:
            return []
        callers = await callers_now(self._pool, {member.follower.credentials for member in members})
        allowed = []
        for member in members:
            if (caller := callers.get(member.follower.credentials)) is None:
                member.leave()
                member.follower.end_session()
            else:
                member.update(caller)
                allowed.append(member)
        return allowed
