"""The order of arrival: what a reader has seen the end of has no gaps, whoever commits when."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from db.intake.arrivals import arrivals_after, newest_arrival, record_arrivals, record_missed_arrivals
from db.intake.store import store_killmails
from db.killmails.cursors import InvalidCursor, cursor_position, encode_cursor, position_cursor
from tests.db.bodies import body, raw


async def store(pool: asyncpg.Pool, *numbers: int) -> None:
    await store_killmails(pool, [raw(body(number)) for number in numbers])


async def order(pool: asyncpg.Pool, after: int = 0) -> list[int]:
    return [arrival.killmail_id for arrival in await arrivals_after(pool, after, 1000)]


async def test_each_arrives_once_and_keeps_its_place(pool: asyncpg.Pool) -> None:
    await store(pool, 1, 2, 3)
    assert await newest_arrival(pool) == 0
    await record_arrivals(pool, [3])
    await record_arrivals(pool, [2, 1, 3, 99])
    assert await order(pool) == [3, 1, 2]
    position = (await arrivals_after(pool, 0, 1))[0].arrival
    assert await order(pool, position) == [1, 2]


async def test_a_writer_that_commits_late_does_not_arrive_before_one_that_was_seen(pool: asyncpg.Pool) -> None:
    """Were numbers given without a lock, 1 would get the smaller one and be overlooked by who has seen 2."""
    await store(pool, 1, 2)
    async with pool.acquire() as slow, slow.transaction():
        await slow.execute("SELECT pg_advisory_xact_lock(hashtext('killmail arrivals'))")
        await slow.execute("INSERT INTO killmail_arrivals (killmail_id) VALUES (1)")
        quick = asyncio.create_task(record_arrivals(pool, [2]))
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with asyncio.timeout(10):
            while not await pool.fetchval(waits):  # noqa: ASYNC110 - Postgres' own state
                await asyncio.sleep(0.01)
        assert await order(pool) == [], "nobody sees the second before the first"
    await quick
    assert await order(pool) == [1, 2]


async def test_many_writers_number_everything_once(pool: asyncpg.Pool) -> None:
    numbers = range(1, 101)
    await store(pool, *numbers)
    await asyncio.gather(*(record_arrivals(pool, numbers[start:]) for start in range(0, 100, 20)))
    assert sorted(await order(pool)) == list(numbers)


async def test_what_was_stored_and_not_announced_arrives_later_as_news_or_in_silence(pool: asyncpg.Pool) -> None:
    await store(pool, 1, 2, 3)
    await pool.execute("UPDATE killmails SET created_at = now() - interval '10 minutes' WHERE killmail_id < 3")
    await pool.execute("UPDATE killmails SET killmail_time = now() WHERE killmail_id = 2")
    assert sorted(await record_missed_arrivals(pool)) == [1, 2]
    assert await record_missed_arrivals(pool) == []
    told = {arrival.killmail_id: bool(arrival.entities) for arrival in await arrivals_after(pool, 0, 10)}
    assert told == {1: False, 2: True}, "3 is somebody's at work"


@pytest.mark.parametrize("cursor", ["", "x", "ÿ", position_cursor(7)[:-1], position_cursor(7) + "A"])
def test_only_our_own_cursors_are_read(cursor: str) -> None:
    assert cursor_position(position_cursor(7)) == 7
    with pytest.raises(InvalidCursor):
        cursor_position(cursor)


def test_a_cursor_of_the_feed_is_none_of_the_stream() -> None:
    from datetime import UTC, datetime

    with pytest.raises(InvalidCursor):
        cursor_position(encode_cursor(datetime(2026, 1, 1, tzinfo=UTC), 7))
