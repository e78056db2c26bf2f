"""What The Forge paid on days before our own first snapshot of prices: which days are wanted, and what they told.

A killmail of such a day is valued by The Forge once the days before it are here too, for a price is judged by them. All
types of a day are kept, a month of a type in a row: the day is never asked for again for the sake of another type.
Measured over a month of 11,000 types: 96 kB a day so, 600 kB as a row each.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

import asyncpg

from db.values.rules import MEDIAN_DAYS

SETTLED_AFTER = timedelta(days=3)
"""A day is asked for when it has been over for so long: the archive completes the newest ones for a while."""
REFUSED_AGAIN_AFTER = timedelta(days=7)
_MONTH = 31
_NOT_TRADED = -1


class DayKept(StrEnum):
    """What there is of a day that was asked for."""

    READ = "read"
    MISSING = "missing"  # the archive has none, and never will have
    REFUSED = "refused"  # what it has is no such day, or not there; asked for again after `REFUSED_AGAIN_AFTER`


@dataclass(slots=True)
class MarketMonth:
    """Days of one month, gathered to be stored together. Prices take eight bytes each."""

    first: date
    days: dict[date, tuple[DayKept, int]] = field(default_factory=dict)
    _averages: dict[int, array[int]] = field(default_factory=dict)

    def add(self, day: date, kept: DayKept, averages: Mapping[int, int] | None = None) -> None:
        """A day and, if it was read, what it told: hundredths of ISK by type."""
        told = averages or {}
        self.days[day] = (kept, len(told))
        for type_id, average in told.items():
            row = self._averages.get(type_id)
            if row is None:
                row = self._averages[type_id] = array("q", [_NOT_TRADED]) * _MONTH
            row[day.day - 1] = average

    def rows(self) -> list[tuple[int, date, list[int | None]]]:
        """As `market_history` has them, by type."""
        return [
            (type_id, self.first, [None if one == _NOT_TRADED else one for one in row])
            for type_id, row in sorted(self._averages.items())
        ]


_WANTED = """
WITH waiting AS (
    SELECT DISTINCT (killmail_time AT TIME ZONE 'UTC')::date AS day
    FROM killmails
    WHERE
        killmail_time < (SELECT min(day) FROM price_snapshots)::timestamp AT TIME ZONE 'UTC'
        AND price_date >= (SELECT min(day) FROM price_snapshots)
),
wanted AS (
    SELECT (waiting.day - back) AS day FROM waiting CROSS JOIN generate_series(0, $1::integer - 1) AS back
    UNION
    SELECT day FROM market_days WHERE outcome = 'refused'
)
SELECT wanted.day
FROM wanted
LEFT JOIN market_days AS known USING (day)
WHERE
    wanted.day <= $2::date
    AND (known.day IS NULL OR (known.outcome = 'refused' AND known.read_at < now() - $3::interval))
ORDER BY date_trunc('month', wanted.day) DESC, wanted.day
"""
_KEEP_DAYS = """
INSERT INTO market_days (day, outcome, types)
SELECT day, outcome, types FROM unnest($1::date[], $2::text[], $3::integer[]) AS told(day, outcome, types)
ON CONFLICT (day) DO UPDATE SET outcome = excluded.outcome, types = excluded.types, read_at = now()
"""
_KEEP_PRICES = """
INSERT INTO market_history AS known (type_id, month, averages)
SELECT type_id, month, averages FROM told ORDER BY type_id
ON CONFLICT (type_id, month) DO UPDATE SET averages = ARRAY(
    SELECT coalesce(told, before)
    FROM unnest(excluded.averages, known.averages) WITH ORDINALITY AS both_of(told, before, position)
    ORDER BY position
)
"""
# Of these days, the ones before which all is known that a price is judged by.
_READY = """
SELECT day
FROM (
    SELECT day, count(*) OVER before AS days, bool_or(outcome = 'read') OVER before AS has_any
    FROM market_days
    WINDOW before AS (ORDER BY day RANGE BETWEEN ($1::integer - 1) * interval '1 day' PRECEDING AND CURRENT ROW)
) AS counted
WHERE days = $1::integer AND has_any
"""
_WAITING = f"""
WITH ready AS MATERIALIZED ({_READY})
SELECT killmail_id
FROM killmails
WHERE
    killmail_id > $2
    AND killmail_time < (SELECT min(day) FROM price_snapshots)::timestamp AT TIME ZONE 'UTC'
    AND price_date >= (SELECT min(day) FROM price_snapshots)
    AND (killmail_time AT TIME ZONE 'UTC')::date IN (SELECT day FROM ready)
ORDER BY killmail_id
LIMIT $3
"""  # noqa: S608 - made of constants


async def wanted_days(pool: asyncpg.Pool, today: date) -> Sequence[date]:
    """Days to be asked for: of the newest month that has any, all of them."""
    rows = await pool.fetch(_WANTED, MEDIAN_DAYS, today - SETTLED_AFTER, REFUSED_AGAIN_AFTER)
    newest = [row["day"] for row in rows]
    return [day for day in newest if (day.year, day.month) == (newest[0].year, newest[0].month)]


async def store_market_month(pool: asyncpg.Pool, month: MarketMonth) -> None:
    """Keep what was gathered. Safe to repeat; other days of the month stay as they are."""
    days = sorted(month.days)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "CREATE TEMPORARY TABLE told (type_id bigint, month date, averages bigint[]) ON COMMIT DROP"
        )
        await connection.copy_records_to_table("told", records=month.rows())
        await connection.execute(_KEEP_PRICES)
        outcomes = [month.days[day] for day in days]
        await connection.execute(
            _KEEP_DAYS, days, [str(kept) for kept, _ in outcomes], [types for _, types in outcomes]
        )


async def waiting_for_then(pool: asyncpg.Pool, after: int, at_most: int) -> list[int]:
    """Killmails above the id `after` that are valued at our first snapshot, and can be at the prices of their day."""
    return [row[0] for row in await pool.fetch(_WAITING, MEDIAN_DAYS, after, at_most)]
