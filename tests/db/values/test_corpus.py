"""The real killmails: every figure and every flag as worked out by another program, some of them by hand."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.values.appraisal import appraise
from db.values.prices import store_snapshot
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


async def test_the_whole_corpus(pool: asyncpg.Pool) -> None:
    killmails = real_killmails()
    if not killmails:
        pytest.skip("There are no real killmails beside the project (../shared/data).")
    await load_price_history(pool)
    await store_killmails(pool, [raw(killmail) for killmail in killmails])
    ids = [killmail["killmail_id"] for killmail in killmails]
    assert await appraise(pool, ids) == sorted(ids)
    found = [dict(row) for row in await pool.fetch(_FOUND)]
    assert {row.pop("id"): row for row in found} == EXPECTED
    assert await appraise(pool, ids, again=True) == []  # the same again, so nothing is written


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
