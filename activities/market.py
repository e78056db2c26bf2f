"""`read_market_month`: what The Forge paid on days before our own first snapshot of prices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import asyncpg
from prometheus_client import Counter
from temporalio import activity

from contracts.values import MarketRead
from db.values.history import SETTLED_AFTER, DayKept, MarketMonth, store_market_month, wanted_days
from eve.archive.client import DayFound, MarketArchive, Validators
from eve.archive.market import read_market_day
from eve.errors import MalformedBody

DAYS = Counter("killreport_market_days", "Days of the market archive that were asked for, by outcome.", ["outcome"])
logger = logging.getLogger(__name__)


def today() -> date:
    """The day in EVE time."""
    return datetime.now(UTC).date()


class MarketDays:
    """The step of `MarketHistory`. Idempotent: a day that was asked for is not wanted any more."""

    def __init__(self, pool: asyncpg.Pool, archive: MarketArchive, today: Callable[[], date] = today) -> None:
        self._pool = pool
        self._archive = archive
        self._today = today

    @activity.defn
    async def read_market_month(self) -> MarketRead:
        """Ask for the wanted days of the newest month that has any, and keep them together.

        Raises:
            EveError: the archive cannot be asked now, or broke off; the days before that are kept.
        """
        days = await wanted_days(self._pool, self._today()) if self._archive.is_on else []
        if not days:
            return MarketRead()
        totals = await self._archive.totals()
        if (counted := max(totals, default=date.min)) < max(days):
            # It has not come so far yet: what it does not count today may be there tomorrow.
            days = await wanted_days(self._pool, counted + SETTLED_AFTER)
            if not days:
                return MarketRead()
        month = MarketMonth(days[0].replace(day=1))
        try:
            for day in days:
                await self._read(day, month, totals)
        finally:
            if month.days:
                await store_market_month(self._pool, month)
        outcomes = [kept for kept, _ in month.days.values()]
        read, missing, refused = map(outcomes.count, DayKept)
        return MarketRead(read, missing, refused, str(month.first))

    async def _read(self, day: date, month: MarketMonth, totals: Mapping[date, int]) -> None:
        """What there is of a day goes to `month`. A day that the archive does not count is not asked for; one that it
        counts and does not give, it may give another time."""
        kept, averages = DayKept.MISSING, {}
        if day in totals:
            async with self._archive.day(day, Validators()) as answer:
                if answer.found is DayFound.FILE:
                    try:
                        averages = (await asyncio.to_thread(read_market_day, answer.packed, day)).averages
                        kept = DayKept.READ
                    except MalformedBody as error:
                        logger.warning("No price was taken: %s", error)
                        kept = DayKept.REFUSED
                else:
                    logger.warning("No price was taken: the market archive counts %s and does not have it", day)
                    kept = DayKept.REFUSED
        month.add(day, kept, averages)
        DAYS.labels(str(kept)).inc()
