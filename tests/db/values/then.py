"""What The Forge paid, as a test has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import asyncpg

from db.values.history import DayKept, MarketMonth, store_market_month
from db.values.rules import MEDIAN_DAYS
from tests.db.values.losses import DAY


async def keep(pool: asyncpg.Pool, days: Mapping[date, Mapping[int, int] | DayKept]) -> None:
    """The Forge's averages in hundredths of ISK, or that there are none."""
    for day, told in sorted(days.items()):
        month = MarketMonth(day.replace(day=1))
        if isinstance(told, DayKept):
            month.add(day, told)
        else:
            month.add(day, DayKept.READ, told)
        await store_market_month(pool, month)


def window(**told: Mapping[int, int]) -> dict[date, Mapping[int, int] | DayKept]:
    """All the days by which a price of `DAY` is judged; `back_7={…}`: what was paid seven days before it."""
    days: dict[date, Mapping[int, int] | DayKept] = {
        DAY - timedelta(back): DayKept.MISSING for back in range(MEDIAN_DAYS)
    }
    return days | {DAY - timedelta(int(name.removeprefix("back_"))): paid for name, paid in told.items()}
