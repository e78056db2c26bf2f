"""Killmails older than our own prices: The Forge's of their day, by the rules of docs/classification.md."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from db.intake.store import store_killmails
from db.values.appraisal import appraise
from db.values.history import DayKept, waiting_for_then, wanted_days
from db.values.price_sql import PriceNote
from db.values.prices import KillmailPrices, prices_of_killmails
from db.values.rules import CAP, LAST_TRADED_DAYS
from tests.db.bodies import Body, raw
from tests.db.values.losses import AMMO, BLUEPRINT, DAY, RIFTER, item, loss, price
from tests.db.values.then import keep, window

FIRST = DAY + timedelta(100)
"""Of our own snapshots; the killmail is of `DAY`."""
MUTATED_WEB, ETANA, SKIN, ORE = 47702, 32790, 44177, 1230


async def paid(pool: asyncpg.Pool, killmail_id: int = 1) -> KillmailPrices:
    async with pool.acquire() as connection:
        return (await prices_of_killmails(connection, [killmail_id]))[killmail_id]


async def figures(pool: asyncpg.Pool, killmail_id: int = 1) -> dict[str, Any]:
    row = await pool.fetchrow(
        "SELECT total_value, price_date, priced_kinds, item_kinds FROM killmails WHERE killmail_id = $1", killmail_id
    )
    assert row is not None
    return dict(row)


async def stored(pool: asyncpg.Pool, *killmails: Body) -> None:
    ids = [await store_killmails(pool, [raw(one)]) for one in killmails]
    await appraise(pool, [one for found in ids for one in found])


async def test_a_killmail_gets_the_prices_of_its_day_once_all_that_they_are_judged_by_is_here(
    pool: asyncpg.Pool,
) -> None:
    await price(pool, {RIFTER: "900000", AMMO: "1", ORE: "30"}, FIRST)
    await stored(pool, loss(item(AMMO, destroyed=100), item(ORE, dropped=10)))
    assert await figures(pool) == {
        "total_value": Decimal("900400.00"), "price_date": FIRST, "priced_kinds": 3, "item_kinds": 3
    }  # fmt: skip
    days = sorted(window())
    assert await wanted_days(pool, FIRST) == [DAY], "the newest month first"
    told = window(back_0={RIFTER: 50_000_010}, back_29={AMMO: 150}, back_30={ORE: 1})
    await keep(pool, {day: kept for day, kept in told.items() if day != days[0]})
    assert await waiting_for_then(pool, 0, 10) == [], "a day is missing yet"
    assert await appraise(pool, [1], again=True) == []
    assert await wanted_days(pool, FIRST) == days[:1]
    assert await wanted_days(pool, days[0] + timedelta(2)) == [], "too new to be whole"

    await keep(pool, {days[0]: DayKept.MISSING})
    assert await wanted_days(pool, FIRST) == []
    assert await waiting_for_then(pool, 0, 10) == [1]
    assert await appraise(pool, [1]) == [1]
    assert await figures(pool) == {
        # 500000.10, 100 at 1.50 of 29 days before, and 10 at 30 of our first snapshot: 30 days are too long ago
        "total_value": Decimal("500450.10"), "price_date": DAY, "priced_kinds": 3, "item_kinds": 3
    }  # fmt: skip
    prices = await paid(pool)
    assert (prices.ship.isk, prices.ship.day, prices.ship.note) == (Decimal("500000.10"), DAY, None)
    assert prices.items[AMMO].day == DAY - timedelta(LAST_TRADED_DAYS - 1)
    assert (prices.items[ORE].isk, prices.items[ORE].day) == (Decimal(30), FIRST)
    assert await waiting_for_then(pool, 0, 10) == []
    assert await appraise(pool, [1], again=True) == [], "the same again"


async def test_what_was_paid_far_beyond_the_median_is_capped_and_said_so(pool: asyncpg.Pool) -> None:
    await price(pool, {RIFTER: "1"}, FIRST)
    usual = {f"back_{back}": {RIFTER: 100_00 + back, AMMO: 5_00} for back in (1, 20, 50, 89)}
    await keep(pool, window(**usual, back_0={RIFTER: 9_000_00, AMMO: 19_99}))
    await stored(pool, loss(item(AMMO, destroyed=1)))
    prices = await paid(pool)
    # Paid were 100.01, 100.20, 100.50, 100.89 and 9000: 100.50 is in the middle.
    assert (prices.ship.isk, prices.ship.note) == (CAP * Decimal("100.50"), PriceNote.CAPPED)
    assert (prices.items[AMMO].isk, prices.items[AMMO].note) == (Decimal("19.99"), None), "below four times 5"
    assert (await figures(pool))["total_value"] == Decimal("402.00") + Decimal("19.99")
    # Of four days of trade nobody knows what is usual.
    day = DAY - timedelta(89)
    await pool.execute("UPDATE market_history SET averages[$2] = NULL WHERE month = $1", day.replace(day=1), day.day)
    await appraise(pool, [1], again=True)
    assert (await paid(pool)).ship.note is None
    assert (await figures(pool))["total_value"] == Decimal("9019.99")


async def test_what_has_no_honest_price_has_none_whatever_a_list_says(pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO type_groups (group_id, category_id) VALUES (1950, 91)")
    await pool.execute("INSERT INTO types (type_id, group_id) VALUES ($1, 1950)", SKIN)
    items = [
        item(MUTATED_WEB, destroyed=1),
        item(SKIN, dropped=2),
        item(ETANA, dropped=1),
        item(BLUEPRINT, destroyed=1, singleton=2),
        item(BLUEPRINT, destroyed=1),
    ]
    listed = dict.fromkeys((MUTATED_WEB, SKIN, ETANA, BLUEPRINT, RIFTER), "1000000")
    await price(pool, listed, FIRST)
    await keep(pool, window(back_0=dict.fromkeys(listed, 2_000_000_00)))
    after = {**loss(*items, hull=ETANA), "killmail_id": 2, "killmail_time": f"{FIRST}T12:00:00Z"}
    await stored(pool, loss(*items), after)
    for killmail_id, total, priced in ((1, "4000000.00", 2), (2, "1000000.00", 1)):
        row = await figures(pool, killmail_id)
        assert (str(row["total_value"]), row["priced_kinds"]) == (total, priced)
        assert row["item_kinds"] == (6 if killmail_id == 1 else 5), (
            "a unique ship is one kind, in space and in the hold"
        )
        prices = await paid(pool, killmail_id)
        notes = {type_id: one.note for type_id, one in prices.items.items()}
        assert notes == {
            MUTATED_WEB: PriceNote.MUTATED, SKIN: PriceNote.SKIN, ETANA: PriceNote.UNIQUE, BLUEPRINT: None
        }  # fmt: skip
        assert all(prices.items[one].isk is None for one in (MUTATED_WEB, SKIN, ETANA))
