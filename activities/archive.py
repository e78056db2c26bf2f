"""`read_archive_day`: a day of the public killmail archive, of which ours are stored."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg
from temporalio import activity

from contracts.archive import DayOutcome, DayReport, ReadArchiveDay
from db.intake.archive_days import (
    DayAccount,
    add_archived,
    archive_subjects,
    came_since,
    known_day,
    record_day,
    with_another_hash,
)
from db.intake.receive import Bringer, receive_killmails
from db.intake.references import stored_among
from eve.archive.client import DayFound, KillmailArchive, Validators
from eve.archive.members import ArchivedKillmail, Members, Refusal, Wanted
from live import LiveEvents

NameKillmails = Callable[[Sequence[int]], Awaitable[None]]
"""Has what these killmails mention named, a little later."""


@dataclass(frozen=True, slots=True)
class ArchiveIntake:
    """Stores what is wanted of a day. Idempotent: what an earlier attempt stored is found and not stored again."""

    pool: asyncpg.Pool
    live: LiveEvents
    name_killmails: NameKillmails

    async def read(
        self, packed: io.RawIOBase | io.BufferedIOBase, wanted: Wanted, since: datetime, expected: int | None
    ) -> DayAccount:
        """Read a day to its end, however much of it is worth nothing.

        Raises:
            EveError: as the source does; what was read before is stored.
            redis.exceptions.RedisError, asyncpg.PostgresError, OSError: ours is out of order.
        """
        members = Members(packed, wanted)
        found = new = 0
        # Unpacking and checking are work for a thread; it rests while a batch is stored.
        while (batch := await asyncio.to_thread(members.batch)) is not None:
            if batch:
                found += len(batch)
                new += await self._store(batch, since, members)
        return DayAccount(expected, members.taken, found, new, {str(why): n for why, n in members.refused.items() if n})

    async def _store(self, batch: list[ArchivedKillmail], since: datetime, members: Members) -> int:
        """How many of them came here by this look."""
        references = [(one.ref.killmail_id, one.ref.killmail_hash) for one in batch]
        doubtful = await with_another_hash(self.pool, references)
        members.refused[Refusal.HASH] += len(doubtful)
        batch = [one for one in batch if one.ref.killmail_id not in doubtful]
        killmail_ids = [one.ref.killmail_id for one in batch]
        here = set(await stored_among(self.pool, killmail_ids))
        if missing := sorted(set(killmail_ids) - here):
            await self.name_killmails(missing)  # before they are stored: no crash leaves them without names
        await add_archived(self.pool, [(one.named, one.ref.killmail_id, one.ref.killmail_hash) for one in batch])
        bodies = [one.body for one in batch if one.ref.killmail_id not in here]
        received = await receive_killmails(self.pool, self.live, bodies, killmail_ids=killmail_ids, by=Bringer.ARCHIVE)
        members.refused[Refusal.NOT_STORED] += len(received.refused)
        return await came_since(self.pool, received.stored, since)


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
