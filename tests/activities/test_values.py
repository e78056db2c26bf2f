"""The activities: a snapshot a day, then whatever it can value better, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import asyncpg
import pytest
from temporalio.testing import ActivityEnvironment

from activities import values
from activities.values import Values
from contracts.call_classes import CallClass
from contracts.values import AppraisedKillmails, AppraiseKillmails, PricesTaken
from db.intake.store import store_killmails
from eve.esi.client import Esi
from eve.esi.market_prices import MarketPrice, MarketPrices
from tests.db.bodies import body, raw
from tests.db.values.losses import DAY, RIFTER


@dataclass
class PricesOnly(Esi):
    """ESI's list of prices, as a test sets it; `asked` are the ETags it was asked by."""

    isk: str = "500000"
    asked: list[str] = field(default_factory=list)

    async def market_prices(self, etag: str, call_class: CallClass) -> MarketPrices | None:
        assert call_class is CallClass.BACKFILL
        self.asked.append(etag)
        if etag == self.isk:
            return None
        return MarketPrices(self.isk, (MarketPrice(RIFTER, Decimal(self.isk), None),))


@dataclass
class Calendar:
    day: date = DAY

    def today(self) -> date:
        return self.day


async def test_one_snapshot_a_day_asked_for_by_etag(pool: asyncpg.Pool) -> None:
    esi, calendar = PricesOnly(), Calendar()
    take = Values(pool, esi, calendar.today).take_price_snapshot
    assert await ActivityEnvironment().run(take) == PricesTaken(True, 1, 1)
    assert await ActivityEnvironment().run(take) == PricesTaken(False, 1, 0)
    calendar.day += timedelta(1)
    assert await ActivityEnvironment().run(take) == PricesTaken(True, 1, 0)  # not modified
    calendar.day += timedelta(1)
    esi.isk = "500001"
    assert await ActivityEnvironment().run(take) == PricesTaken(True, 1, 1)
    assert esi.asked == ["", "500000", "500000"]
    days = [row["day"] for row in await pool.fetch("SELECT day FROM price_snapshots ORDER BY day")]
    assert days == [DAY + timedelta(after) for after in range(3)]


async def test_pages_go_on_where_the_last_one_ended(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    await store_killmails(pool, [raw(body(number)) for number in range(1, 12)])
    own = Values(pool, PricesOnly(), lambda: DAY)
    asked = AppraiseKillmails()
    assert await ActivityEnvironment().run(own.appraise_killmails, asked) == AppraisedKillmails()  # no prices yet
    await ActivityEnvironment().run(own.take_price_snapshot)
    monkeypatch.setattr(values, "PAGE", 2)
    monkeypatch.setattr(values, "PAGES", 3)
    first = await ActivityEnvironment().run(own.appraise_killmails, asked)
    assert first == AppraisedKillmails(looked_at=6, changed=6, after_killmail_id=6, done=False)
    asked.after_killmail_id = first.after_killmail_id
    second = await ActivityEnvironment().run(own.appraise_killmails, asked)
    assert second == AppraisedKillmails(looked_at=5, changed=5, after_killmail_id=11, done=True)
    assert await pool.fetchval("SELECT count(*) FROM killmails WHERE total_value = 500000") == 11
    assert await ActivityEnvironment().run(own.appraise_killmails, AppraiseKillmails()) == AppraisedKillmails()


async def test_everything_is_looked_at_again_and_only_what_is_wrong_written(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(number, minute=number * 720)) for number in range(1, 8)])
    own = Values(pool, PricesOnly(), lambda: DAY)
    await ActivityEnvironment().run(own.take_price_snapshot)
    await ActivityEnvironment().run(own.appraise_killmails, AppraiseKillmails())
    await pool.execute("UPDATE killmails SET solo = false, total_value = 1 WHERE killmail_id IN (2, 5)")
    since = AppraiseKillmails(everything=True, since="2026-01-03")  # killmails 4 and later
    assert await ActivityEnvironment().run(own.appraise_killmails, since) == AppraisedKillmails(4, 1, 7, True)
    whole = AppraiseKillmails(everything=True)
    assert await ActivityEnvironment().run(own.appraise_killmails, whole) == AppraisedKillmails(7, 1, 7, True)
    assert await pool.fetchval("SELECT count(*) FROM killmails WHERE solo AND total_value = 500000") == 7
