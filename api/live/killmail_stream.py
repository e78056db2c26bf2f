"""New killmails in the order they arrive, read from Postgres by one reader for all sockets of a process.

A socket without a cursor begins at the newest arrival; one that comes again names the last it got and is brought up to
the reader's position by reads of its own. It joins in the very moment in which both are at the same place: no arrival
is sent twice, none is left out. A live event is only the bell that says it is worth looking.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from prometheus_client import Histogram

from api.live.members import Group, Groups, Member
from db.intake.arrivals import EVERYBODY, Arrival, arrivals_after, newest_arrival
from db.killmails.cursors import position_cursor
from db.killmails.filter import KillmailFilter, Viewer, eyes

log = logging.getLogger(__name__)

READ_AT_ONCE = 500
RENDERED_AT_ONCE = 4
"""Groups read and rendered together: connections to Postgres are for others, too."""
TOLD_AT_ONCE = 50
LAG = Histogram(
    "killreport_subscription_lag_seconds",
    "From when a killmail was stored until those who follow were sent it.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
Tell = Callable[[Viewer, Mapping[int, str]], Awaitable[Mapping[int, Any]]]
"""Gives the event for each of these killmails, by id, that is for this viewer; the ids come with their live cursors."""


@dataclass(frozen=True, slots=True)
class KillmailWish:
    """What decides which killmails a member gets. `document`: its text, operation and variables."""

    document: tuple[str, str | None, bytes]
    chosen: KillmailFilter
    tell: Tell = field(compare=False)
    """Of two wishes that are equal, both tell the same."""
    alike: bool = field(default=False, compare=False)
    """Without a filter, and each killmail told alike to all who may see it."""


class KillmailStream:
    """One per process. `question` brings up to date what those see of whom a change was told; `check` keeps of these
    members those who still may follow, each with its caller of now.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        question: Callable[[], Awaitable[None]],
        check: Callable[[Collection[Member]], Awaitable[list[Member]]],
        *,
        everything: bool,
    ) -> None:
        self._pool = pool
        self._question = question
        self._check = check
        self._everything = everything
        self._position = 0
        self.groups = Groups()

    async def start_of(self, after: int | None) -> int:
        """Where a new member begins: after what it has, or at the newest. A cursor of the future is none of ours."""
        newest = await newest_arrival(self._pool)
        return newest if after is None else min(after, newest)

    def join(self, member: Member) -> bool:
        """Let the member follow from its position on; False when it must catch up first. Never waits."""
        if member.position < self._position:
            return False
        if not self.groups:
            self._position = member.position
        self.groups.join(member)
        return True

    async def catch_up(self, member: Member) -> list[tuple[int, Any]]:
        """The next of what the member missed, oldest first, and its position moved on; perhaps none of it is its."""
        # Taken before the read: what the stream moves on to meanwhile, this read may not have seen.
        stream_at = self._position
        arrivals = await arrivals_after(self._pool, member.position, READ_AT_ONCE)
        events = await self._events(member, self._seen(member, arrivals))
        member.position = arrivals[-1].arrival if arrivals else max(member.position, stream_at)
        return events

    async def read(self) -> None:
        """Send everything that arrived since the last time to those who follow it.

        Raises:
            db.failures.DATABASE_FAILURES: Postgres does not answer; nothing is lost.
        """
        while self.groups and (arrivals := await arrivals_after(self._pool, self._position, READ_AT_ONCE)):
            # Whom it concerns is picked by what they see: a board that was opened a moment ago must count.
            await self._question()
            # From here to the snapshot nothing waits: who joins later has to have all of this already.
            self._position = max(self._position, arrivals[-1].arrival)
            members = [member for group in self.groups for member in self._concerned(group, arrivals)]
            try:
                await self._send(await self._check(members), arrivals)
            except BaseException:
                for member in members:
                    member.follower.lose()
                raise

    async def _send(self, members: Collection[Member], arrivals: Sequence[Arrival]) -> None:
        by_group: dict[Group, list[Member]] = {}
        for member in members:
            if member.group is not None:
                by_group.setdefault(member.group, []).append(member)
        told_alike: dict[Hashable, list[Member]] = {}
        for group, those in by_group.items():
            told_alike.setdefault(self._what_is_told(group, those[0], arrivals), []).extend(those)
        at_once = asyncio.Semaphore(RENDERED_AT_ONCE)

        async def send(those: list[Member]) -> None:
            async with at_once:
                await self._send_to(those, arrivals)

        await asyncio.gather(*(send(those) for those in told_alike.values()))

    def _what_is_told(self, group: Group, member: Member, arrivals: Sequence[Arrival]) -> Hashable:
        """Equal for groups that are told the very same: read and rendered once for all of them.

        Who looks with their own pilots alone, and without a filter, sees what these are on, which never changes: that
        is what `_seen` says. Whoever sees more, or less, is a group apart, and asked about in Postgres.
        """
        wish = _wish(member)
        viewer = member.caller.viewer(everything=self._everything)
        if not wish.alike or eyes(viewer, wish.chosen, "ACCOUNT").sight != "OWN":
            return group
        return wish, tuple(arrival.arrival for arrival in self._seen(member, arrivals))

    async def _send_to(self, members: list[Member], arrivals: Sequence[Arrival]) -> None:
        one = members[0]
        seen = self._seen(one, arrivals)
        stored_seconds, begun = {arrival.arrival: arrival.stored_seconds for arrival in seen}, time.monotonic()
        try:
            for arrival, event in await self._events(one, seen):
                payload = await one.render(event, one.caller)
                for member in members:
                    if member.group is not None and member.position < arrival:
                        member.position = arrival
                        member.send(payload)
                LAG.observe(stored_seconds[arrival] + time.monotonic() - begun)
                await asyncio.sleep(0)  # the sockets write now; else the whole burst would wait in each
        except Exception:
            # They come again with their cursors and get what they missed.
            log.exception("a killmail could not be sent to the %d sockets of a group", len(members))
            for member in members:
                member.follower.lose()

    async def _events(self, member: Member, arrivals: Sequence[Arrival]) -> list[tuple[int, Any]]:
        """What the member is to be told of these arrivals, in their order, each with its place in it."""
        wish, viewer = _wish(member), member.caller.viewer(everything=self._everything)
        found: list[tuple[int, Any]] = []
        for start in range(0, len(arrivals), TOLD_AT_ONCE):
            part = {arrival.killmail_id: arrival.arrival for arrival in arrivals[start : start + TOLD_AT_ONCE]}
            cursors = {killmail_id: position_cursor(arrival) for killmail_id, arrival in part.items()}
            told = await wish.tell(viewer, cursors)
            found += [(part[killmail_id], event) for killmail_id, event in told.items()]
        return sorted(found, key=lambda one: one[0])

    def _concerned(self, group: Group, arrivals: Iterable[Arrival]) -> list[Member]:
        """The group's members, if any of these arrivals may be for them."""
        return list(group.members) if self._seen(next(iter(group.members)), arrivals) else []

    def _seen(self, member: Member, arrivals: Iterable[Arrival]) -> list[Arrival]:
        """Those of these arrivals that may be for the member: by whoever it looks at killmails with."""
        seen_by = eyes(member.caller.viewer(everything=self._everything), _wish(member).chosen, "ACCOUNT")
        if seen_by.sight == "ALL":
            return [arrival for arrival in arrivals if arrival.entities]
        everybody = [EVERYBODY] if seen_by.sight == "PUBLIC" else []
        entities = frozenset((*seen_by.characters, *seen_by.corporations, *everybody))
        return [arrival for arrival in arrivals if not entities.isdisjoint(arrival.entities)]


def _wish(member: Member) -> KillmailWish:
    assert isinstance(member.wish, KillmailWish)  # noqa: S101 - of this stream
    return member.wish
