"""`read_archive_day`: a day that is not there is settled only once the archive has come further."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from temporalio.testing import ActivityEnvironment

from activities.archive import ArchiveDays
from api.orders.history import history_sentence
from contracts.archive import LOOK_BACK_DAYS, ChooseHistoryDays, DayOutcome, ReadArchiveDay
from contracts.sync import SyncState
from db.accounts.tokens import TokenState, withdraw
from db.intake.archive_days import DayAccount, archive_subjects, days_to_read, record_day
from db.intake.history import ask_for_history, history_progress, wait_for_history
from db.intake.public import PublicIntake
from eve.archive.client import ArchiveDay, DayFound, KillmailArchive, Validators
from live import LiveEvents
from redis_client import open_redis
from tests.activities.stand_in_eve import PILOT, World
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


TOTAL = 45
"""Days there are in all: more than two lots."""


@dataclass
class Account:
    """One account that waits for its whole history, and what is read for it."""

    pool: asyncpg.Pool
    days: ArchiveDays
    account_id: int

    async def joins(self, character_id: int, ago: timedelta) -> None:
        """A character is added."""
        await add_user(self.pool, character_id)
        await self.pool.execute(
            "UPDATE users SET account_id = $2, created_at = now() - $3::interval WHERE character_id = $1",
            character_id,
            self.account_id,
            ago,
        )

    async def reads(self, before: str | None, begun_at: datetime, read_at: datetime, lots: int = TOTAL) -> list[str]:
        """What a pass reads from there on, so many lots of it at most."""
        read: list[str] = []
        for _ in range(lots):
            request = ChooseHistoryDays(read[-1] if read else before, begun_at)
            chosen = await ActivityEnvironment().run(self.days.choose_history_days, request)
            for day in chosen.days:
                await record_day(self.pool, date.fromisoformat(day), read_at, "", "", DayAccount(None, 0, 0, 0, {}))
            read += chosen.days
            if not chosen.days:
                break
        return read

    async def told(self) -> str:
        """As the pilot reads it."""
        return history_sentence(await history_progress(self.pool, self.account_id))


@pytest.fixture
async def account(pool: asyncpg.Pool, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Account]:
    first_day = datetime.now(UTC).date() - timedelta(days=TOTAL)
    for module in ("activities.archive", "db.intake.history"):
        monkeypatch.setattr(f"{module}.FIRST_DAY", first_day)
    account_id = await pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
    async with open_redis(redis_url) as connection:
        intake = PublicIntake(pool, LiveEvents(connection), nothing, nothing)
        account = Account(pool, ArchiveDays(pool, NoDays(), intake), account_id)
        await account.joins(90_000_001, timedelta(hours=5))
        await ask_for_history(pool, account_id)
        await pool.execute("UPDATE history_requests SET asked_at = now() - interval '4 hours'")
        yield account


@pytest.mark.parametrize("who", ["a character", "a corporation"])
async def test_a_history_is_whole_when_it_is_read_for_who_was_added_meanwhile_too(account: Account, who: str) -> None:
    now, hour = datetime.now(UTC), timedelta(hours=1)
    begun_at = now - 4 * hour
    early = await account.reads(None, begun_at, now - 3 * hour, lots=1)
    if who == "a character":
        await account.joins(90_000_002, 2 * hour)
    else:
        await account.pool.execute(
            "INSERT INTO corporations_followed (corporation_id, created_at) VALUES (98000001, $1)", now - 2 * hour
        )
        await account.pool.execute(
            "INSERT INTO corporation_directors (corporation_id, character_id) VALUES (98000001, 90000001)"
        )
    late = await account.reads(early[-1], begun_at, now - hour)
    assert len(early) + len(late) == TOTAL
    assert await account.told() == f"0 of {TOTAL} days read, newest first."
    assert await wait_for_history(account.pool) is not None, "the watchdog begins another pass"
    assert await account.reads(None, now, now) == early, "and it reads what is missing alone"
    assert await account.told() == f"All {TOTAL} days were read."
    assert await wait_for_history(account.pool) is None


async def test_a_director_who_logs_in_while_the_history_is_read_begins_no_other_pass(account: Account) -> None:
    await account.pool.execute(
        "INSERT INTO corporations_followed (corporation_id, created_at) VALUES (98000001, now() - interval '1 day')"
    )
    await account.pool.execute(
        "INSERT INTO corporation_directors (corporation_id, character_id, marked_at) VALUES (98000001, 90000001, now())"
    )
    now = datetime.now(UTC)
    assert len(await account.reads(None, now - timedelta(hours=4), now)) == TOTAL
    assert await account.told() == f"All {TOTAL} days were read."


async def test_of_a_character_that_was_sold_nothing_is_kept_until_its_owner_logs_in(
    world: World, redis_url: str
) -> None:
    now = datetime.now(UTC)
    day = now.date() - timedelta(days=10)
    await world.login(PILOT, owner="seller")
    await world.pool.execute("UPDATE users SET created_at = now() - interval '2 days'")
    version = (await world.user())["token_version"]
    assert (await archive_subjects(world.pool)).characters == {PILOT}
    assert await withdraw(world.pool, PILOT, version, TokenState.OWNER_CHANGED, SyncState.OWNER_CHANGED)
    async with open_redis(redis_url) as connection:
        days = ArchiveDays(world.pool, NoDays(), PublicIntake(world.pool, LiveEvents(connection), nothing, nothing))
        report = await ActivityEnvironment().run(days.read_archive_day, ReadArchiveDay(str(day), now))
    assert report.outcome is DayOutcome.NOBODY
    await record_day(world.pool, day, now - timedelta(hours=1), "", "", DayAccount(None, 0, 0, 0, {}))
    await world.login(PILOT, owner="buyer")
    assert (await archive_subjects(world.pool)).characters == {PILOT}
    assert await days_to_read(world.pool, [day]) == [day], "it was read without them"
