"""`follow_killmail_stream`: zKillboard's stream is read for a while, of which ours are stored as they come."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import asyncpg
import prometheus_client
from temporalio import activity

from contracts.live_killmails import FollowStream, StreamOutcome, StreamReport
from contracts.sync import KILLMAIL_BATCH
from db.intake.archive_days import archive_subjects
from db.intake.public import PublicIntake
from db.intake.stream_place import record_missed, record_place, record_trouble, stream_place
from eve.errors import EveError, Unavailable
from eve.wanted import Wanted, WantedKillmail
from eve.zkillboard.stream import KillmailStream, Odd, Streamed

FOLLOW_SECONDS = 120.0
"""Then the workflow is told, and whoever is new here is looked for, too."""
WAIT_SECONDS = 6.0
"""What is not there is not asked for again sooner."""
MISSING_SECONDS = 60.0
"""An object that has not come for so long is looked for further on: it may be gone, or its number left out."""
KEPT = timedelta(hours=23)
"""A little less than zKillboard keeps an object."""
LAG = 64
"""So far the stream may be beyond what it says."""
NUMBERED_ANEW = 1_000
"""A stream that says it is so far behind where we are has begun to count anew."""
HANDLED_AT_ONCE = 50
"""Objects, at most, until what is wanted of them is stored and the bookmark moves."""
HANDLED_BYTES = 8 * 1024 * 1024
TRIES = 3
"""Of an object that cannot be read; then it is passed over, if the next one can."""
READ = prometheus_client.Counter(
    "killreport_live_killmails", "Killmails of zKillboard's stream, by what became of them.", ["outcome"]
)
for _outcome in ("new", "known", "unwanted", "refused", "missed"):
    READ.labels(_outcome)


class LiveKillmails:
    """The step of `LiveKillmails`. A process may die at any line: what is after the bookmark is read again."""

    def __init__(
        self, pool: asyncpg.Pool, stream: KillmailStream, intake: PublicIntake, *, everything: bool = False
    ) -> None:
        self._pool = pool
        self._stream = stream
        self._intake = intake
        self._everything = everything

    @activity.defn
    async def follow_killmail_stream(self, request: FollowStream) -> StreamReport:
        """Read on from the bookmark, and wait at the stream's end for what comes next.

        Raises:
            EveError: the stream cannot be read now; what was read before is stored.
        """
        if not self._stream.is_on:
            return StreamReport(StreamOutcome.OFF, request.sequence)
        subjects = await archive_subjects(self._pool)
        if not (self._everything or subjects.characters or subjects.corporations):
            return StreamReport(StreamOutcome.NOBODY, request.sequence)
        wanted = Wanted(subjects.characters, subjects.corporations, self._everything)
        reading = _Reading(self._pool, self._stream, self._intake, wanted)
        try:
            return await reading.until(time.monotonic() + FOLLOW_SECONDS, request.sequence)
        except EveError as error:
            await reading.keep()
            await record_trouble(self._pool, type(error).__name__)
            raise


class _Reading:
    """One stay at the stream."""

    def __init__(self, pool: asyncpg.Pool, stream: KillmailStream, intake: PublicIntake, wanted: Wanted) -> None:
        self._pool = pool
        self._stream = stream
        self._intake = intake
        self._wanted = wanted
        self._since = datetime.now(UTC)
        self._read: list[Streamed] = []
        self._report = StreamReport(StreamOutcome.FOLLOWED)

    async def until(self, deadline: float, known_sequence: int | None) -> StreamReport:
        """Go on until then (monotonic seconds)."""
        place = await stream_place(self._pool)
        last = known_sequence if place is None or place.sequence is None else place.sequence
        if last is None:
            last = await self._stream.newest() - 1
            await record_place(self._pool, last, None, caught_up=False)
        self._report.sequence = last
        # Of a bookmark as old as what is kept, 404 does not say that there is nothing newer.
        is_fresh = place is None or (place.uploaded_at or place.read_at) > self._since - KEPT
        missing_since = None
        while time.monotonic() < deadline and not activity.is_worker_shutdown():
            found = await self._at(last + 1)
            if found is not None:
                self._read.append(found)
                last, missing_since, is_fresh = last + 1, None, True
                if len(self._read) == HANDLED_AT_ONCE or sum(len(one.body) for one in self._read) > HANDLED_BYTES:
                    await self.keep()
                continue
            await self.keep(at_the_end=is_fresh)
            missing_since = missing_since or time.monotonic()
            if time.monotonic() - missing_since >= MISSING_SECONDS:
                last, missing_since = await self._further_on(last), None
            await _wait()
        await self.keep()
        return self._report

    async def _at(self, sequence: int) -> Streamed | None:
        """An object. One that is broken is asked for again, a few times; then it is taken so, if the next one is good.

        Raises:
            Unavailable: the next one is broken, too, or not there: nobody knows whose fault it is.
        """
        for _ in range(TRIES):
            found = await self._stream.at(sequence)
            if found is None or found.odd is not Odd.BROKEN:
                return found
            await _wait()
        following = await self._stream.at(sequence + 1)
        if following is None or following.odd is Odd.BROKEN:
            raise Unavailable("zKillboard's stream answers with what cannot be read.")
        return found

    async def keep(self, *, at_the_end: bool = False) -> None:
        """Store what is wanted of what was read, then move the bookmark behind it."""
        read, report, refused = self._read, self._report, Counter[str]()
        wanted = []
        for one in read:
            if one.ref is None:
                refused[str(one.odd)] += 1
            elif named := self._wanted.named_in(one.body):
                wanted.append(WantedKillmail(one.ref, named, one.body))
        new = 0
        unique = list({one.ref.killmail_id: one for one in wanted}.values())  # it may have come again meanwhile
        for start in range(0, len(unique), KILLMAIL_BATCH):
            new += await self._intake.store(unique[start : start + KILLMAIL_BATCH], self._since, refused)
        if read or at_the_end:
            uploaded_at = read[-1].uploaded_at if read else None
            report.sequence = read[-1].sequence if read else report.sequence
            assert report.sequence is not None  # noqa: S101 - set before anything is read
            await record_place(self._pool, report.sequence, uploaded_at, caught_up=at_the_end)
        self._read = []
        report.read += len(read)
        report.wanted += len(unique)
        report.new += new
        report.refused = dict(Counter(report.refused) + refused)
        odd = sum(one.ref is None for one in read)
        for outcome, count in (
            ("new", new),
            ("known", max(len(wanted) - new - refused.total() + odd, 0)),
            ("refused", refused.total()),
            ("unwanted", len(read) - len(wanted) - odd),
        ):
            READ.labels(outcome).inc(count)

    async def _further_on(self, last: int) -> int:
        """The number after which to go on, when the next one does not come: mostly the same."""
        newest = await self._stream.newest()
        if newest < last - NUMBERED_ANEW:
            activity.logger.warning("zKillboard's stream counts anew, from %d", newest)
            first: Streamed | None = Streamed(newest)
        else:
            first = await self._first_after(last + 1, max(newest, last + 1 + LAG))
        if first is None or await self._stream.at(last + 1) is not None:  # it came in this very moment
            return last
        if (missed := first.sequence - last - 1) > 0:
            await record_missed(self._pool, missed, first.uploaded_at)
            activity.logger.warning("%d objects of zKillboard's stream were gone; the archive has them", missed)
            READ.labels("missed").inc(missed)
            self._report.missed += missed
        await record_place(self._pool, first.sequence - 1, None, caught_up=False)
        self._report.sequence = first.sequence - 1
        return first.sequence - 1

    async def _first_after(self, missing: int, last: int) -> Streamed | None:
        """The first object after one that is not there: in ever longer steps, then by halves."""
        step, found = 1, None
        while found is None and missing < last:
            tried = min(missing + step, last)
            if (found := await self._stream.at(tried)) is None:
                missing, step = tried, 2 * step
        while found is not None and found.sequence - missing > 1:
            between = (missing + found.sequence) // 2
            nearer = await self._stream.at(between)
            missing, found = (between, found) if nearer is None else (missing, nearer)
        return found


async def _wait() -> None:
    """`WAIT_SECONDS`, or until the worker is to stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(activity.wait_for_worker_shutdown(), WAIT_SECONDS)
