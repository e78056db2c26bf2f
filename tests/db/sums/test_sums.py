"""Sums are what a fresh count gives, whatever happens at the same time, and only for who may see all of it."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from db.intake.store import store_killmails
from db.killmails import statistics as statistics_
from db.killmails.filter import ParticipantFilter, Viewer
from db.killmails.statistics import Subject, statistics
from db.sums.build import begin_again, build_piece, choose_subjects, how_far, unfinished
from db.sums.compare import finished_subjects, some_days, wrong_sums
from db.sums.fold import fold, fold_the_full, waiting_to_be_folded
from db.values.appraisal import appraise
from tests.db.bodies import Body, raw
from tests.db.drawn import ALT, CORPORATION, CORPORATIONS, ME, OTHER, SHIPS, made
from tests.db.values.losses import DAY, price
from tests.logins import add_user

SUMMED = [ME, ALT, *CORPORATIONS[:2]]
SUBJECTS = [
    Subject(ParticipantFilter(character_id=ME)),
    Subject(ParticipantFilter(character_id=ALT)),
    Subject(ParticipantFilter(corporation_id=CORPORATION)),
]
VERY_BUSY = 60
"""So many killmails some of these subjects have when they are begun, and others not."""
ALL_SEEING = Viewer((ME, ALT), (CORPORATION,))


def drawn(dice: random.Random, numbers: range = range(1, 241)) -> list[Body]:
    """Killmails of some months, several an hour at the ends of days and months."""
    killmails = [made(dice, number) for number in numbers]
    for one in killmails:
        at = datetime(2026, 1, 30, tzinfo=UTC) + timedelta(days=dice.choice([0, 1, 2, 30, 31, 70]))
        one["killmail_time"] = f"{at + timedelta(minutes=dice.choice([0, 1, 719, 1439])):%Y-%m-%dT%H:%M:%SZ}"
    return killmails


async def finish(pool: asyncpg.Pool) -> None:
    for subject_id in await unfinished(pool):
        while await build_piece(pool, subject_id, 7, VERY_BUSY):
            pass


async def finish_folding(pool: asyncpg.Pool) -> None:
    for subject_id in await waiting_to_be_folded(pool):
        while await fold(pool, subject_id):
            pass


async def wrong(pool: asyncpg.Pool) -> int:
    return sum([await wrong_sums(pool, subject_id) for subject_id in await finished_subjects(pool)])


@pytest.fixture
async def killmails(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> list[Body]:
    """Some are stored, fewer appraised; nothing is in the sums of four subjects yet."""
    monkeypatch.setattr(statistics_, "ADDED_UP_FROM", 1)
    found = drawn(random.Random(11))  # noqa: S311 - a draw to repeat
    await add_user(pool, ME)
    await add_user(pool, ALT)
    for corporation_id in CORPORATIONS[:2]:
        await pool.execute("INSERT INTO corporations_followed (corporation_id) VALUES ($1)", corporation_id)
    await store_killmails(pool, [raw(one) for one in found[:80]])
    await appraise(pool, range(1, 60))
    await choose_subjects(pool, 1)
    assert await unfinished(pool) == SUMMED
    return found


async def many_at_once(pool: asyncpg.Pool, killmails: list[Body]) -> None:
    """Store, appraise and value again by several at once, some of whom die, while sums are built and compared."""
    done = asyncio.Event()

    async def write(seed: int) -> None:
        order = random.Random(seed)  # noqa: S311 - as above
        mine = order.sample(killmails, 200)
        for start in range(0, len(mine), 20):
            batch = mine[start : start + 20]
            await store_killmails(pool, [raw(one) for one in batch])
            await appraise(pool, [one["killmail_id"] for one in batch], again=order.random() < 0.5)

    async def value() -> None:
        for day in range(4):
            prices = {ship: str(Decimal(1000 + ship * (day + 1)) / 100) for ship in SHIPS}
            await price(pool, prices, DAY + timedelta(days=day * 31))
            await appraise(pool, order_of(day))

    def order_of(seed: int) -> list[int]:
        return random.Random(seed).sample(range(1, 241), 150)  # noqa: S311 - as above

    async def die() -> None:
        for number in range(12):
            attempt = asyncio.create_task(appraise(pool, order_of(100 + number), again=True))
            await asyncio.sleep(0.001 * number)
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)

    async def build() -> None:
        while not done.is_set():
            for subject_id in SUMMED:
                await build_piece(pool, subject_id, 7, VERY_BUSY)
                await fold(pool, subject_id, 20)
            await fold_the_full(pool, SUMMED, 5)
            if not await unfinished(pool):
                await begin_again(pool, [ME, CORPORATION])

    async def check() -> None:
        while not done.is_set():
            assert await wrong(pool) == 0, "also in the middle"

    beside = [asyncio.create_task(build()), asyncio.create_task(build()), asyncio.create_task(check())]
    await asyncio.gather(write(1), write(2), write(3), value(), die())
    done.set()
    await asyncio.gather(*beside)
    await store_killmails(pool, [raw(one) for one in killmails])
    await appraise(pool, range(1, 241))
    await finish(pool)


async def test_sums_are_what_a_count_gives(pool: asyncpg.Pool, killmails: list[Body]) -> None:
    await many_at_once(pool, killmails)
    assert await finished_subjects(pool) == SUMMED
    assert (await how_far(pool)).finished == 4
    assert await wrong(pool) == 0
    await finish_folding(pool)
    more = drawn(random.Random(12), range(241, 281))  # noqa: S311 - a draw to repeat
    await store_killmails(pool, [raw(one) for one in more])
    await appraise(pool, range(241, 281))
    assert await waiting_to_be_folded(pool), "what is counted beside the sums"
    assert await pool.fetchval("SELECT sum(destroyed) FROM killmail_sums") > 0
    assert await wrong(pool) == 0
    march = datetime(2026, 3, 1, tzinfo=UTC)
    periods = [
        (None, None),
        (datetime(2026, 1, 31, tzinfo=UTC), None),
        (None, march),
        (datetime(2026, 1, 30, 0, 1, tzinfo=UTC), march + timedelta(hours=12)),
        (march, march + timedelta(hours=13)),
        (datetime(2026, 1, 31, 23, 59, tzinfo=UTC), datetime(2026, 2, 1, 0, 1, tzinfo=UTC)),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    ]
    asked = [(Viewer((ME,)), Subject(), None, None)] + [
        (ALL_SEEING, subject, *period) for subject in SUBJECTS for period in periods
    ]
    by_sums = [await statistics(pool, *one, top=4) for one in asked]
    assert any(told["topPilots"] and told["losses"] for told in by_sums)
    await finish_folding(pool)
    assert by_sums == [await statistics(pool, *one, top=4) for one in asked]
    assert await wrong(pool) == 0
    await begin_again(pool)
    assert by_sums == [await statistics(pool, *one, top=4) for one in asked]
    await finish(pool)
    assert by_sums == [await statistics(pool, *one, top=4) for one in asked]


async def test_only_the_very_busy_have_months_and_those_begun_before(pool: asyncpg.Pool, killmails: list[Body]) -> None:
    await store_killmails(pool, [raw(one) for one in killmails])
    await appraise(pool, range(1, 241))
    since_january = (ALL_SEEING, SUBJECTS[2], datetime(2026, 1, 31, tzinfo=UTC), None)
    months = "SELECT count(*) FROM killmail_sums WHERE subject_id = $1 AND span = 1"
    told = []
    for by_month_from in (1, 1_000):
        await begin_again(pool)
        for subject_id in await unfinished(pool):
            while await build_piece(pool, subject_id, 100, by_month_from):
                pass
        assert (await pool.fetchval(months, CORPORATION) > 0) == (by_month_from == 1)
        assert await wrong(pool) == 0
        told.append(await statistics(pool, *since_january))
    assert told[0] == told[1]
    assert told[0]["topVictims"]
    # What an older version adds to, beside this one, is not read.
    await pool.execute(
        "INSERT INTO killmail_sums (subject_id, kind, span, first_day, entity_id, kills, losses, destroyed, lost)"
        " VALUES ($1, 4, 1, '2026-02-01', $2, 900, 0, 9, 0)",
        CORPORATION,
        ME,
    )
    assert await wrong(pool) == 0
    assert await statistics(pool, *since_january) == told[0]


async def test_only_who_may_see_all_is_told_sums(pool: asyncpg.Pool, killmails: list[Body]) -> None:
    await store_killmails(pool, [raw(one) for one in killmails])
    await finish(pool)
    await appraise(pool, range(1, 241))
    few = [
        (Viewer((OTHER,)), Subject(ParticipantFilter(corporation_id=CORPORATION))),
        (Viewer((OTHER,), (CORPORATION,)), Subject(ParticipantFilter(character_id=ME))),
        (Viewer((ME, ALT)), Subject()),
        (Viewer((ME,), (CORPORATION,)), Subject(solar_system_id=30_000_002)),
        (Viewer((ME,)), Subject(ParticipantFilter(ship_type_id=587))),
    ]
    before = [await statistics(pool, viewer, subject, None, None) for viewer, subject in few]
    total = (await statistics(pool, ALL_SEEING, SUBJECTS[2], None, None))["kills"]
    assert 0 < before[0]["kills"] < total
    # Whoever is told these reads sums.
    await pool.execute("UPDATE killmail_sums SET kills = kills + 1000")
    assert before == [await statistics(pool, viewer, subject, None, None) for viewer, subject in few]
    assert (await statistics(pool, ALL_SEEING, SUBJECTS[2], None, None))["kills"] > total + 1000
    assert await wrong(pool) > 0
    days = [one for _ in range(40) for one in await some_days(pool, 4)]
    assert {await wrong_sums(pool, *one) > 0 for one in days} == {True}
