"""`read_archive_day`, `choose_history_days`: days of the public killmail archive, of which ours are stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import asyncpg
from temporalio import activity

from contracts.archive import (
    FIRST_DAY,
    LOOK_BACK_DAYS,
    ChooseHistoryDays,
    DayOutcome,
    DayReport,
    HistoryDays,
    ReadArchiveDay,
)
from db.intake.archive_days import DayAccount, archive_subjects, days_unread, known_day, record_day
from db.intake.history import finish_history, note_reached, wait_for_history
from db.intake.public import PublicIntake
from eve.archive.client import DayFound, KillmailArchive, Validators
from eve.wanted import Wanted

HISTORY_DAYS = 20
"""Days given out at once; who waits is told how far it is after each lot."""
HISTORY_SPAN = 400
"""Days looked at together, for those that were not read yet."""


class ArchiveDays:
    """The steps of `ArchiveDay` and `ArchiveHistory`."""

    def __init__(
        self, pool: asyncpg.Pool, archive: KillmailArchive, intake: PublicIntake, *, everything: bool = False
    ) -> None:
        self._pool = pool
        self._archive = archive
        self._intake = intake
        self._everything = everything

    @activity.defn
    async def read_archive_day(self, request: ReadArchiveDay) -> DayReport:
        """Look at a day: whole where it changed or somebody is new here, else only whether it did.

        Raises:
            EveError: the archive cannot be asked now, or broke off; what was read before is stored.
        """
        if not self._archive.is_on:
            return DayReport(request.day, DayOutcome.OFF)
        subjects = await archive_subjects(self._pool)
        if not (self._everything or subjects.characters or subjects.corporations):
            return DayReport(request.day, DayOutcome.NOBODY)
        day = date.fromisoformat(request.day)
        known = await known_day(self._pool, day, subjects.newest_at, everything=self._everything)
        validators = Validators(known.etag, known.last_modified) if known and known.is_for_all else Validators()
        totals = await self._archive.totals()
        expected = totals.get(day)
        async with self._archive.day(day, validators) as answer:
            if answer.found is DayFound.UNCHANGED:
                return DayReport(request.day, DayOutcome.UNCHANGED)
            if answer.found is DayFound.MISSING:
                is_over = day < request.since.date() - timedelta(days=LOOK_BACK_DAYS) and day < max(totals, default=day)
                if not expected and is_over:
                    # Nothing happened on it, or nobody will ever tell: the day is known, not to be asked for again.
                    nothing = DayAccount(None, 0, 0, 0, {})
                    await record_day(self._pool, day, subjects.now, "", "", nothing, everything=self._everything)
                return DayReport(request.day, DayOutcome.MISSING, expected)
            wanted = Wanted(subjects.characters, subjects.corporations, self._everything)
            account = await self._intake.read(answer.packed, wanted, request.since, expected)
        told = answer.validators
        await record_day(
            self._pool,
            day,
            subjects.now,
            told.etag,
            told.last_modified,
            account,
            everything=self._everything,
        )
        return DayReport(
            request.day,
            DayOutcome.READ,
            account.expected,
            account.taken,
            account.wanted,
            account.new,
            dict(account.refused),
        )

    @activity.defn
    async def choose_history_days(self, request: ChooseHistoryDays) -> HistoryDays:
        """The next days to read for those who wait for their whole history, newest first; none: they have it all."""
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        newest = yesterday if request.before is None else date.fromisoformat(request.before) - timedelta(days=1)
        await note_reached(self._pool, newest + timedelta(days=1), request.begun_at)
        waiting_since = await wait_for_history(self._pool)
        if waiting_since is None or not self._archive.is_on:
            return HistoryDays()
        found: list[date] = []
        while newest >= FIRST_DAY and not found:
            span = [newest - timedelta(days=back) for back in range(min(HISTORY_SPAN, (newest - FIRST_DAY).days + 1))]
            unread = await days_unread(self._pool, span, waiting_since, everything=self._everything)
            found, newest = unread[:HISTORY_DAYS], span[-1] - timedelta(days=1)
        if not found:
            await finish_history(self._pool, request.begun_at)
        return HistoryDays([str(day) for day in found])
