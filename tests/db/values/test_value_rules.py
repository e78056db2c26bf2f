"""Each rule of docs/classification.md on values, one by one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.values.appraisal import appraise, killmails_since, waiting_for_appraisal
from db.values.prices import store_snapshot
from tests.db.bodies import body, raw
from tests.db.values.losses import (
    AMMO,
    BLUEPRINT,
    CONTAINER,
    DAY,
    HIGH,
    NO_SLOT,
    PRICES,
    RIFTER,
    appraised,
    item,
    loss,
    price,
)


def figures(row: dict[str, Any]) -> tuple[str, str, str, str]:
    return row["destroyed_value"], row["dropped_value"], row["fitted_value"], row["total_value"]


def kinds(row: dict[str, Any]) -> tuple[int, int]:
    return row["priced_kinds"], row["item_kinds"]


async def test_the_hull_is_destroyed_and_fitted(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    row = await appraised(pool, loss())
    assert figures(row) == ("500000.10", "0.00", "500000.10", "500000.10")
    assert kinds(row) == (1, 1)


async def test_quantities_count_and_the_sum_is_rounded_once(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    row = await appraised(pool, loss(item(AMMO, 3), item(AMMO, 1, 1, flag=HIGH), item(AMMO, dropped=2)))
    # 4 times 0.005 destroyed and 3 times 0.005 dropped; in the slot are 2 of them.
    assert figures(row) == ("500000.12", "0.02", "500000.11", "500000.14")
    assert kinds(row) == (2, 2)


async def test_a_flag_beyond_32_bits_lies_in_no_slot_and_stops_nobody(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    much = item(AMMO, 1, flag=2**63 - 1) | {"singleton": 2**31}
    row = await appraised(pool, loss({**much, "items": [much]}))
    assert figures(row) == ("500000.11", "0.00", "500000.10", "500000.11")


async def test_a_nested_item_counts_once_and_lies_where_its_container_lies(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    inner = item(CONTAINER, 1, items=[item(CONTAINER, dropped=2, flag=HIGH)])
    row = await appraised(pool, loss(item(CONTAINER, 1, items=[item(CONTAINER, 1, flag=NO_SLOT), inner])))
    assert figures(row) == ("503000.10", "2000.00", "500000.10", "505000.10")
    assert kinds(row) == (2, 2)


async def test_fitted_is_what_is_in_a_slot(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    for flag in (0, 11, 18, 19, 27, 34, 89, 92, 99, 125, 164):
        row = await appraised(pool, loss(item(CONTAINER, dropped=1, flag=flag)))
        assert (flag, row["fitted_value"]) == (flag, "501000.10")


async def test_holds_drones_and_fighters_are_not_fitted(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    for flag in (5, 87, 90, 133, 155, 158, 159, 172, 179, 999):
        row = await appraised(pool, loss(item(CONTAINER, 1, flag=flag)))
        assert (flag, row["fitted_value"]) == (flag, "500000.10")


async def test_a_blueprint_copy_is_a_kind_of_its_own_without_a_price(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    row = await appraised(pool, loss(item(BLUEPRINT, 5, 5, singleton=2), item(BLUEPRINT, dropped=1)))
    assert figures(row) == ("500000.10", "2000000.00", "500000.10", "2500000.10")
    assert kinds(row) == (2, 3)


async def test_capsules_and_the_free_corvettes_are_worth_nothing_and_priced(pool: asyncpg.Pool) -> None:
    hulls = (670, 33328, 588, 596, 601, 606)
    await price(pool, PRICES | dict.fromkeys(hulls, "12345.00"))
    for hull in hulls:
        row = await appraised(pool, loss(item(CONTAINER, 1), hull=hull))
        assert (hull, *figures(row)) == (hull, "1000.00", "0.00", "0.00", "1000.00")
        assert kinds(row) == (2, 2)


async def test_a_free_hull_in_the_hold_is_worth_what_it_sells_for(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES | {601: "12345.00"})
    assert (await appraised(pool, loss(item(601, 1))))["destroyed_value"] == "512345.10"


async def test_what_has_no_price_is_worth_nothing_and_counts_as_unpriced(pool: asyncpg.Pool) -> None:
    await price(pool, {CONTAINER: "1000", AMMO: "0"})
    row = await appraised(pool, loss(item(CONTAINER, 1), item(AMMO, 9), item(BLUEPRINT, 1)))
    assert figures(row) == ("1000.00", "0.00", "0.00", "1000.00")
    assert kinds(row) == (1, 4)


async def test_the_adjusted_price_stands_in_for_a_missing_average(pool: asyncpg.Pool) -> None:
    rows = [(AMMO, Decimal(0), Decimal(7)), (CONTAINER, Decimal(2), Decimal(9)), (RIFTER, None, Decimal(500))]
    await store_snapshot(pool, DAY, "", rows)
    row = await appraised(pool, loss(item(AMMO, 1), item(CONTAINER, 1)))
    assert figures(row) == ("509.00", "0.00", "500.00", "509.00")
    assert kinds(row) == (3, 3)


@pytest.mark.parametrize(
    ("days", "used"),
    [
        ((-9, -2, 0, 1), 0),  # its own day's
        ((-9, -2, 1, 2), -2),  # the nearest earlier
        ((3, 4), 3),  # else the first after
    ],
)
async def test_which_snapshot_is_used(pool: asyncpg.Pool, days: tuple[int, ...], used: int) -> None:
    for day in days:
        await price(pool, {RIFTER: str(1000 + day)}, DAY + timedelta(day))
    row = await appraised(pool, loss())
    assert (row["price_date"], row["total_value"]) == (DAY + timedelta(used), f"{1000 + used}.00")


async def test_an_unchanged_price_is_found_in_an_older_row(pool: asyncpg.Pool) -> None:
    for day in (-3, -2, -1):
        await price(pool, {RIFTER: "1000"}, DAY + timedelta(day))
    row = await appraised(pool, loss())
    assert (row["price_date"], row["total_value"]) == (DAY - timedelta(1), "1000.00")


async def test_a_killmail_before_any_snapshot_is_valued_when_there_is_one(pool: asyncpg.Pool) -> None:
    row = await appraised(pool, loss())
    assert row["solo"] is True  # classified all the same
    assert row["price_date"] is row["total_value"] is row["item_kinds"] is None
    await price(pool, PRICES, DAY + timedelta(5))
    assert await waiting_for_appraisal(pool, DAY + timedelta(5), 0, 10) == [1]
    assert await appraise(pool, [1]) == [1]
    assert await waiting_for_appraisal(pool, DAY + timedelta(5), 0, 10) == []
    assert await appraise(pool, [1]) == []


async def test_only_killmails_of_the_new_day_are_valued_again(pool: asyncpg.Pool) -> None:
    await price(pool, {RIFTER: "1"}, DAY)
    await store_killmails(pool, [raw(body(number, minute=number * 720)) for number in range(1, 7)])  # two a day
    assert len(await appraise(pool, range(1, 7))) == 6
    await price(pool, {RIFTER: "2"}, DAY + timedelta(2))
    assert await waiting_for_appraisal(pool, DAY + timedelta(2), 0, 10) == [4, 5, 6]
    assert await waiting_for_appraisal(pool, DAY + timedelta(2), 4, 1) == [5]
    assert await appraise(pool, range(1, 7)) == [4, 5, 6]
    assert await killmails_since(pool, date(2026, 1, 2), 0, 10) == [2, 3, 4, 5, 6]
    assert await killmails_since(pool, None, 2, 2) == [3, 4]


async def test_no_row_is_written_when_nothing_changed(pool: asyncpg.Pool) -> None:
    await price(pool, PRICES)
    await appraised(pool, loss())
    before = await pool.fetchval("SELECT xmin::text FROM killmails")
    assert await appraise(pool, [1], again=True) == []
    # Locking the row marks it, but leaves no second version of it.
    assert await pool.fetchval("SELECT xmin::text FROM killmails") == before
