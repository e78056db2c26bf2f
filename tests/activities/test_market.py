"""`read_market_month`: what the archive does not have yet is not taken for what it never had."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import asyncpg
from temporalio.testing import ActivityEnvironment

from activities.market import MarketDays
from contracts.values import MarketRead
from db.intake.store import store_killmails
from db.values.appraisal import appraise
from db.values.history import waiting_for_then
from db.values.rules import MEDIAN_DAYS
from eve.archive.client import ArchiveDay, DayFound, MarketArchive, Validators
from sandbox.eve.market_history import market_day
from tests.db.bodies import raw
from tests.db.values.losses import DAY, RIFTER, loss, price

FIRST = DAY + timedelta(10)
"""Of our own snapshots; the killmail is of `DAY`."""


@dataclass
class Days(MarketArchive):
    """An archive of these days; it counts those of `counted`."""

    counted: set[date] = field(default_factory=set)
    published: set[date] = field(default_factory=set)

    is_on = True

    async def totals(self) -> Mapping[date, int]:
        return dict.fromkeys(self.counted, 1)

    @asynccontextmanager
    async def day(self, day: date, known: Validators) -> AsyncIterator[ArchiveDay]:
        if day not in self.published:
            yield ArchiveDay(DayFound.MISSING)
        else:
            packed = io.BytesIO(market_day(day, {RIFTER: 400_000.0}))
            yield ArchiveDay(DayFound.FILE, known, packed)  # type: ignore[arg-type] # reads as one


async def outcomes(pool: asyncpg.Pool) -> dict[date, str]:
    return {row["day"]: row["outcome"] for row in await pool.fetch("SELECT day, outcome FROM market_days")}


async def test_days_that_the_archive_has_not_come_to_wait_and_one_that_it_counts_is_asked_for_again(
    pool: asyncpg.Pool,
) -> None:
    await price(pool, {RIFTER: "900000"}, FIRST)
    await store_killmails(pool, [raw(loss())])
    await appraise(pool, [1])
    archive = Days()

    async def read() -> MarketRead:
        return await ActivityEnvironment().run(MarketDays(pool, archive, lambda: FIRST).read_market_month)

    assert await read() == MarketRead(), "it counts nothing at all today"
    window = {DAY - timedelta(back) for back in range(MEDIAN_DAYS)}
    archive.counted = archive.published = window - {DAY}
    while (await read()).days:
        pass
    assert await outcomes(pool) == dict.fromkeys(window - {DAY}, "read"), "whatever else is late, these are there"
    assert await waiting_for_then(pool, 0, 10) == []

    archive.counted = window
    assert (await read()).refused == 1, "counted, and not there"
    await pool.execute("UPDATE market_days SET read_at = now() - interval '8 days' WHERE outcome = 'refused'")
    archive.published = window
    assert (await read()).read == 1
    assert await outcomes(pool) == dict.fromkeys(window, "read")
    assert await waiting_for_then(pool, 0, 10) == [1]
