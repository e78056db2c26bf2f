"""`read_archive_day`: a day of the public killmail archive, of which ours are stored."""

from __future__ import annotations

from datetime import date

import asyncpg
from temporalio import activity

from contracts.archive import DayOutcome, DayReport, ReadArchiveDay
from db.intake.archive_days import archive_subjects, known_day, record_day
from db.intake.archived import ArchiveIntake
from eve.archive.client import DayFound, KillmailArchive, Validators
from eve.archive.members import Wanted


class ArchiveDays:
    """The step of `ArchiveDay`."""

    def __init__(self, pool: asyncpg.Pool, archive: KillmailArchive, intake: ArchiveIntake) -> None:
        self._pool = pool
        self._archive = archive
        self._intake = intake

    @activity.defn
    async def read_archive_day(self, request: ReadArchiveDay) -> DayReport:
        """Look at a day: whole where it changed or somebody is new here, else only whether it did.

        Raises:
            EveError: the archive cannot be asked now, or broke off; what was read before is stored.
        """
        if not self._archive.is_on:
            return DayReport(request.day, DayOutcome.OFF)
        subjects = await archive_subjects(self._pool)
        if not subjects.characters and not subjects.corporations:
            return DayReport(request.day, DayOutcome.NOBODY)
        day = date.fromisoformat(request.day)
        known = await known_day(self._pool, day, subjects.newest_at)
        validators = Validators(known.etag, known.last_modified) if known and known.is_for_all else Validators()
        expected = (await self._archive.totals()).get(day)
        async with self._archive.day(day, validators) as answer:
            if answer.found is DayFound.UNCHANGED:
                return DayReport(request.day, DayOutcome.UNCHANGED)
            if answer.found is DayFound.MISSING:
                return DayReport(request.day, DayOutcome.MISSING, expected)
            wanted = Wanted(subjects.characters, subjects.corporations)
            account = await self._intake.read(answer.packed, wanted, request.since, expected)
        told = answer.validators
        await record_day(self._pool, day, subjects.now, told.etag, told.last_modified, account)
        return DayReport(
            request.day,
            DayOutcome.READ,
            account.expected,
            account.taken,
            account.wanted,
            account.new,
            dict(account.refused),
        )
