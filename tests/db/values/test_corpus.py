"""The real killmails: every figure and every flag as worked out by another program, some of them by hand."""

from __future__ import annotations

import bz2
import io
import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.values.appraisal import appraise
from db.values.history import DayKept, MarketMonth, store_market_month
from db.values.price_sql import PriceNote
from db.values.prices import prices_of_killmails, store_snapshot
from db.values.rules import MEDIAN_DAYS
from eve.archive.market import read_market_day
from sandbox.eve.market_history import HEADERS
from tests.db.bodies import raw, real_killmails
from tests.paths import SHARED_DATA

HERE = Path(__file__).parent
EXPECTED: dict[str, dict[str, Any]] = json.loads((HERE / "expectations.json").read_text())
BY_HAND: list[dict[str, Any]] = json.loads((HERE / "by_hand.json").read_text())

_FOUND = """
SELECT
    killmail_id::text AS id, destroyed_value::text AS destroyed, dropped_value::text AS dropped,
    fitted_value::text AS fitted, total_value::text AS total, price_date::text, priced_kinds, item_kinds,
    solo, npc, awox, damage_done, top_damage_ordinal AS top_damage
FROM killmails
"""


async def load_price_history(pool: asyncpg.Pool) -> None:
    """The slice's prices: of each day those of the types in that day's killmails, as if it were ESI's whole list."""
    static = json.loads((SHARED_DATA / "static-data-slice.json").read_text(), parse_float=Decimal)
    for day, listed in sorted(static["prices"].items()):
        rows = [(int(type_id), Decimal(price), None) for type_id, price in listed.items()]
        await store_snapshot(pool, date.fromisoformat(day), "", rows)


async def load_types(pool: asyncpg.Pool) -> None:
    static = json.loads((SHARED_DATA / "static-data-slice.json").read_text())
    types = [(int(type_id), one["group_id"]) for type_id, one in static["types"].items()]
    groups = [(int(group_id), one["category_id"]) for group_id, one in static["groups"].items()]
    await pool.copy_records_to_table("types", records=types, columns=["type_id", "group_id"])
    await pool.copy_records_to_table("type_groups", records=groups, columns=["group_id", "category_id"])


async def load_market_history(pool: asyncpg.Pool) -> date:
    """The same prices as files of The Forge's market, each with the header of its time; nobody traded on other days.

    Our own snapshots begin later than all of them, at nonsense; the day of the first is returned.
    """
    static = json.loads((SHARED_DATA / "static-data-slice.json").read_text(), parse_float=Decimal)
    told = {date.fromisoformat(day): listed for day, listed in static["prices"].items()}
    first = max(told) + timedelta(10)
    ids = {int(type_id) for listed in told.values() for type_id in listed}
    await store_snapshot(pool, first, "", [(type_id, Decimal(1), None) for type_id in sorted(ids)])
    for day, listed in told.items():
        month = MarketMonth(day.replace(day=1))
        month.add(day, DayKept.READ, read_market_day(io.BytesIO(file_of(day, listed)), day).averages)
        await store_market_month(pool, month)
    await pool.execute(
        "INSERT INTO market_days (day, outcome, types)"
        " SELECT DISTINCT day - back, 'missing', 0 FROM unnest($1::date[]) AS day, generate_series(0, $2) AS back"
        " ON CONFLICT DO NOTHING",
        list(told),
        MEDIAN_DAYS,
    )
    return first


def file_of(day: date, listed: Mapping[str, Decimal]) -> bytes:
    """As EVE Ref has it: its header was another until 2018, and until 18 June 2020."""
    header = HEADERS[(day >= date(2018, 1, 1)) + (day >= date(2020, 6, 18))]
    lines = [header]
    for type_id, average in listed.items():
        told = {"date": str(day), "region_id": "10000002", "type_id": type_id, "average": f"{average}"}
        lines.append(",".join(told.get(column, "7") for column in header.split(",")))
    return bz2.compress("\n".join([*lines, ""]).encode())


async def test_the_whole_corpus(pool: asyncpg.Pool) -> None:
    killmails = real_killmails()
    if not killmails:
        pytest.skip("There are no real killmails beside the project (../shared/data).")
    await load_price_history(pool)
    await load_types(pool)
    await store_killmails(pool, [raw(killmail) for killmail in killmails])
    ids = [killmail["killmail_id"] for killmail in killmails]
    assert await appraise(pool, ids) == sorted(ids)
    found = [dict(row) for row in await pool.fetch(_FOUND)]
    assert {row.pop("id"): row for row in found} == EXPECTED
    assert await appraise(pool, ids, again=True) == []  # the same again, so nothing is written


async def test_the_whole_corpus_at_the_forges_prices_of_each_day(pool: asyncpg.Pool) -> None:
    killmails = real_killmails()
    if not killmails:
        pytest.skip("There are no real killmails beside the project (../shared/data).")
    first = await load_market_history(pool)
    await load_types(pool)
    await store_killmails(pool, [raw(killmail) for killmail in killmails])
    ids = [killmail["killmail_id"] for killmail in killmails]
    await appraise(pool, ids)
    async with pool.acquire() as connection:
        prices = await prices_of_killmails(connection, ids)
    of_the_day = 0
    for row in await pool.fetch(_FOUND):
        expected, told = EXPECTED[row["id"]], prices[int(row["id"])]
        of_lines = [told.ship, *told.items.values()]
        assert {one.note for one in of_lines} <= {None, *PriceNote} - {PriceNote.CAPPED}
        if not any(one.day == first for one in of_lines):  # all of it was traded that day
            of_the_day += 1
            assert dict(row) == {**expected, "id": row["id"]}, row["id"]
    assert of_the_day > 40


@pytest.mark.parametrize("checked", BY_HAND, ids=lambda checked: str(checked["killmail_id"]))
def test_the_expectations_agree_with_what_was_worked_out_by_hand(checked: dict[str, Any]) -> None:
    expected = EXPECTED[str(checked["killmail_id"])]
    for figure in ("destroyed", "dropped", "fitted"):
        by_hand = sum((Decimal(price) * quantity for quantity, price, _ in checked[figure]), Decimal(0))
        assert by_hand == Decimal(checked[f"{figure}_total"]) == Decimal(expected[figure])
    assert checked["flags"] == {flag: expected[flag] for flag in checked["flags"]}


def test_the_corpus_shows_both_sides_of_each_flag() -> None:
    for flag in ("solo", "npc"):
        assert {expected[flag] for expected in EXPECTED.values()} == {True, False}
