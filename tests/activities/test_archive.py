"""`read_archive_day`: a day that is not there is settled only once the archive has come further."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import asyncpg
from temporalio.testing import ActivityEnvironment

from activities.archive import ArchiveDays
from contracts.archive import LOOK_BACK_DAYS, DayOutcome, ReadArchiveDay
from db.intake.archive_days import days_to_read
from db.intake.public import PublicIntake
from eve.archive.client import ArchiveDay, DayFound, KillmailArchive, Validators
from live import LiveEvents
from redis_client import open_redis
from tests.logins import add_user


@dataclass
class NoDays(KillmailArchive):
    """An archive that counts these days and has none."""

    counted: dict[date, int] = field(default_factory=dict)

    is_on = True

    async def totals(self) -> Mapping[date, int]:
        return self.counted

    @asynccontextmanager
    async def day(self, day: date, known: Validators) -> AsyncIterator[ArchiveDay]:  # noqa: ARG002 - it has none
        yield ArchiveDay(DayFound.MISSING)


async def nothing(_: object) -> None:
    """Nothing comes, so nobody is told."""


async def test_a_day_is_known_to_be_empty_when_the_archive_has_later_ones(pool: asyncpg.Pool, redis_url: str) -> None:
    await add_user(pool, 90_000_001)
    archive = NoDays()
    now = datetime.now(UTC)
    day = now.date() - timedelta(days=LOOK_BACK_DAYS + 1)

    async with open_redis(redis_url) as connection:
        days = ArchiveDays(pool, archive, PublicIntake(pool, LiveEvents(connection), nothing, nothing))

        async def is_settled() -> bool:
            report = await ActivityEnvironment().run(days.read_archive_day, ReadArchiveDay(str(day), now))
            assert report.outcome is DayOutcome.MISSING
            return not await days_to_read(pool, [day])

        await pool.execute("UPDATE users SET created_at = now() - interval '1 hour'")
        assert not await is_settled(), "the archive counts nothing at all"
        archive.counted = {day - timedelta(days=1): 5}
        assert not await is_settled(), "it is so late"
        archive.counted = {day + timedelta(days=1): 5}
        assert await is_settled()
