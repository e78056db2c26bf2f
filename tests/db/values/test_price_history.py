"""The history of prices: a snapshot a day, and of each only what changed."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import asyncpg
import pytest

from db.values.prices import (
    LatestSnapshot,
    PriceRow,
    SnapshotOutOfOrder,
    latest_snapshot,
    repeat_snapshot,
    store_snapshot,
)

DAY = date(2026, 1, 1)
TRITANIUM, RIFTER, PLEX = 34, 587, 44992


def price(type_id: int, average: str | None, adjusted: str | None = None) -> PriceRow:
    return type_id, average and Decimal(average), adjusted and Decimal(adjusted)  # type: ignore[return-value]


async def written(pool: asyncpg.Pool) -> list[tuple[int, int, Decimal | None, Decimal | None]]:
    """Days after the first, type id, and its prices."""
    rows = await pool.fetch("SELECT * FROM market_prices ORDER BY day, type_id")
    return [((row["day"] - DAY).days, row["type_id"], row["average_price"], row["adjusted_price"]) for row in rows]


async def test_only_what_changed_is_written(pool: asyncpg.Pool) -> None:
    assert await latest_snapshot(pool) is None
    first = [price(TRITANIUM, "4.05", "3.9"), price(RIFTER, "500000"), price(PLEX, None, "5000000.5")]
    assert await store_snapshot(pool, DAY, '"a"', first) == 3
    second = [price(TRITANIUM, "4.05", "3.9"), price(RIFTER, "500000.01"), price(35, None)]
    assert await store_snapshot(pool, DAY + timedelta(1), '"b"', second) == 2
    assert await latest_snapshot(pool) == LatestSnapshot(DAY + timedelta(1), '"b"', 3)
    assert await written(pool) == [
        (0, TRITANIUM, Decimal("4.05"), Decimal("3.9")),
        (0, RIFTER, Decimal(500000), None),
        (0, PLEX, None, Decimal("5000000.5")),
        (1, RIFTER, Decimal("500000.01"), None),
        (1, PLEX, None, None),  # it left the list
    ]
    assert await store_snapshot(pool, DAY + timedelta(2), '"c"', second) == 0
    assert [row["changed"] for row in await pool.fetch("SELECT changed FROM price_snapshots ORDER BY day")] == [3, 2, 0]


async def test_an_unchanged_list_is_a_snapshot_too(pool: asyncpg.Pool) -> None:
    with pytest.raises(LookupError):
        await repeat_snapshot(pool, DAY)
    await store_snapshot(pool, DAY, '"a"', [price(TRITANIUM, "4")])
    await repeat_snapshot(pool, DAY + timedelta(1))
    assert await latest_snapshot(pool) == LatestSnapshot(DAY + timedelta(1), '"a"', 1)
    assert len(await written(pool)) == 1


async def test_what_is_past_is_not_rewritten(pool: asyncpg.Pool) -> None:
    await store_snapshot(pool, DAY, "", [price(TRITANIUM, "4")])
    for day in (DAY, DAY - timedelta(1)):
        with pytest.raises(SnapshotOutOfOrder):
            await store_snapshot(pool, day, "", [price(TRITANIUM, "5")])
        with pytest.raises(SnapshotOutOfOrder):
            await repeat_snapshot(pool, day)
    assert await written(pool) == [(0, TRITANIUM, Decimal(4), None)]


async def test_of_two_workers_one_takes_the_day(pool: asyncpg.Pool) -> None:
    tries = await asyncio.gather(
        *(store_snapshot(pool, DAY, "", [price(TRITANIUM, str(number))]) for number in range(1, 6)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in tries) == ["SnapshotOutOfOrder"] * 4 + ["int"]
    assert len(await written(pool)) == 1
