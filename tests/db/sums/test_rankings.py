"""Who is first in a short period of a long history, in which those who lead of all time do not lead."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from db.sums import read
from db.sums.read import Asked, summed_up
from db.sums.rows import Kind, Span

SUBJECT, FIRST = 98_000_001, date(2020, 1, 1)
DAYS, PERIOD = 1_500, 120
VETERANS, NEWCOMERS, PASSERS_BY = 40, 15, 400
TOP = 10
Counts = dict[date, Counter[int]]


def drawn() -> Counts:
    """What each victim lost on each day: veterans always the same, newcomers twice as much at the end, others once."""
    dice = random.Random(7)  # noqa: S311 - a draw to repeat
    counts: Counts = {FIRST + timedelta(days=number): Counter() for number in range(DAYS)}
    for day, of_day in counts.items():
        is_late = (day - FIRST).days >= DAYS - PERIOD
        for who in range(1, VETERANS + 1):
            of_day[who] += dice.random() < 0.9
        for who in range(100, 100 + NEWCOMERS):
            of_day[who] += is_late * dice.randint(1, 4)
        of_day[dice.randint(1_000, 1_000 + PASSERS_BY)] += 1
    return counts


async def store(pool: asyncpg.Pool, counts: Counts) -> None:
    """As the sums of a subject that has months."""
    rows: Counter[tuple[int, int, date | None, int]] = Counter()
    for day, of_day in counts.items():
        rows[Kind.ALL, Span.DAY, day, 0] += of_day.total()
        for who, many in of_day.items():
            rows[Kind.VICTIM, Span.DAY, day, who] += many
            rows[Kind.VICTIM, Span.MONTH, day.replace(day=1), who] += many
            rows[Kind.VICTIM, Span.EVER, None, who] += many
    await pool.execute(
        "INSERT INTO summed_subjects (subject_id, is_corporation, counted_until, by_month)"
        " VALUES ($1, true, 'infinity', true)",
        SUBJECT,
    )
    await pool.executemany(
        "INSERT INTO killmail_sums (subject_id, kind, span, first_day, entity_id, kills, losses, destroyed, lost)"
        " VALUES ($1, $2, $3, coalesce($4::date, '-infinity'), $5, $6, 0, $6::int * 1000.5, 0)",
        [(SUBJECT, *key, many) for key, many in rows.items() if many],
    )


@pytest.mark.parametrize("likely", [TOP, 30, 100])
async def test_the_first_of_a_period_are_those_that_a_count_gives(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, likely: int
) -> None:
    monkeypatch.setattr(read, "LIKELY", likely)
    counts = drawn()
    await store(pool, counts)
    last = FIRST + timedelta(days=DAYS)
    for since, until in (
        (last - timedelta(days=PERIOD), None),
        (last - timedelta(days=PERIOD), last - timedelta(days=9)),
        (FIRST + timedelta(days=3), FIRST + timedelta(days=200)),
        (last - timedelta(days=5), None),
    ):
        expected: Counter[int] = Counter()
        for day, of_day in counts.items():
            if since <= day < (until or last):
                expected += of_day
        best = sorted(expected.items(), key=lambda one: (-one[1], one[0]))[:TOP]
        asked = Asked(SUBJECT, True, _midnight(since), None if until is None else _midnight(until), TOP)
        async with pool.acquire() as connection:
            told = await summed_up(connection, asked, ["topVictims"])
        assert told is not None
        assert [(one["id"], one["killmails"]) for one in told["topVictims"]] == best


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
