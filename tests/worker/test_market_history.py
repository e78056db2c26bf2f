"""The prices of then: a real worker, Temporal and Postgres against the market archive of the sandbox EVE."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from temporalio.client import Client

from contracts.task_queues import SYNC_QUEUE
from contracts.values import MarketHistoryReport
from db.intake.store import store_killmails
from db.sums.build import build_piece, choose_subjects, unfinished
from db.sums.compare import finished_subjects, wrong_sums
from db.values.appraisal import appraise
from db.values.prices import store_snapshot
from db.values.rules import MEDIAN_DAYS
from sandbox.eve.market_history import ROUTE, market_day
from sandbox.eve.server import SandboxEve
from tests.db.bodies import body, raw
from tests.db.values.losses import item
from tests.logins import add_user

ME, RIFTER, AMMO = 90_000_001, 587, 178
PLAIN = {RIFTER: 400_000.0, AMMO: 5.0}


async def run(client: Client, name: str) -> MarketHistoryReport:
    running = client.execute_workflow("MarketHistory", id=name, task_queue=SYNC_QUEUE, result_type=MarketHistoryReport)
    report: MarketHistoryReport = await asyncio.wait_for(running, 90)
    return report


async def lost(pool: asyncpg.Pool, killmail_id: int, day: date) -> None:
    killmail = {**body(killmail_id, victim=ME), "killmail_time": f"{day}T12:00:00Z"}
    killmail["victim"]["items"] = [item(AMMO, destroyed=100)]
    await store_killmails(pool, [raw(killmail)])
    await appraise(pool, [killmail_id])


@pytest.mark.usefixtures("soon_again", "worker")
async def test_killmails_older_than_our_prices_get_those_of_their_day_and_no_day_is_asked_for_twice(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    await add_user(pool, ME)
    today = datetime.fromtimestamp(eve.world.clock.now(), UTC).date()
    old, older, lately = today - timedelta(20), today - timedelta(25), today - timedelta(1)
    for day in (old - timedelta(back) for back in range(MEDIAN_DAYS + 10)):
        eve.world.market_days[day] = market_day(day, PLAIN)
    cut = old - timedelta(3)
    eve.world.market_days[cut] = market_day(cut, PLAIN)[:-20]
    await store_snapshot(pool, today, "", [])
    for killmail_id, day in ((1, old), (2, older), (3, lately)):
        await lost(pool, killmail_id, day)
    await choose_subjects(pool, 1)
    for subject_id in await unfinished(pool):
        while await build_piece(pool, subject_id, 100):
            pass
    eve.add_fault("status", route=ROUTE, count=2, status=503)
    eve.add_fault("truncated", route=ROUTE, count=1, path=f"/market-history/{older:%Y}/market-history-{older}")

    report = await run(client, "market-history-1")
    wanted = {old - timedelta(back) for back in range(MEDIAN_DAYS + 5)}
    newest = {lately - timedelta(back) for back in range(2, MEDIAN_DAYS)}
    assert (report.missing, report.refused, report.revalued) == (0, 1, 2)
    kept = {row["day"]: row["outcome"] for row in await pool.fetch("SELECT day, outcome FROM market_days")}
    assert kept == dict.fromkeys(wanted | newest, "read") | {cut: "refused"}
    rows = await pool.fetch("SELECT killmail_id, price_date, priced_kinds FROM killmails ORDER BY 1")
    assert [tuple(row.values()) for row in rows] == [(1, old, 2), (2, older, 2), (3, today, 0)], "too new to be whole"
    value = await pool.fetchval("SELECT total_value FROM killmails WHERE killmail_id = 1")
    assert 0.8 * 400_500 <= value <= 1.2 * 400_500
    assert sum([await wrong_sums(pool, one) for one in await finished_subjects(pool)]) == 0
    assert await finished_subjects(pool)

    asked = [record for record in eve.requests_of(ROUTE) if record.path.endswith(".bz2") and record.status == 200]
    twice = [path for path, count in Counter(record.path for record in asked).items() if count > 1]
    assert len(twice) <= 1, "but for the one that broke off"
    assert all("tests@killreport.invalid" in record.user_agent for record in asked)
    totals = [record.status for record in eve.requests_of(ROUTE) if record.path.endswith("totals.json")]
    assert totals == [503, 503, 200]
    before = len(eve.requests_of(ROUTE))
    assert await run(client, "market-history-2") == MarketHistoryReport()
    assert len(eve.requests_of(ROUTE)) == before, "nobody waits, nothing is asked"
    await pool.execute("UPDATE market_days SET read_at = now() - interval '8 days'")
    eve.world.market_days[cut] = market_day(cut, PLAIN)
    assert (await run(client, "market-history-3")).read == 1, "what was refused is asked for again after a week"
