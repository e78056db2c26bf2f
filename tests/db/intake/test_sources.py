"""The account of a pilot: where each killmail came from, and what is known to be missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg

from contracts.call_classes import CallClass
from db.intake.archive_days import DayAccount, record_day
from db.intake.receive import Bringer, receive_killmails
from db.intake.references import HashFrom, add_references
from db.intake.sources import Source, archive_differences, days_of_archive, pilot_sources
from live import LiveEvents
from redis_client import open_redis
from tests.db.bodies import body, raw
from tests.logins import add_user

ME, MATE, CORPORATION = 90_000_001, 90_000_002, 98_000_002
BROUGHT: tuple[tuple[CallClass | Bringer, HashFrom, int, Source], ...] = (
    (CallClass.LIVE, HashFrom.ESI, ME, Source.OWN_LIST),
    (CallClass.FIRST_SYNC, HashFrom.ESI, MATE, Source.FLEET_MATE),
    (CallClass.BACKFILL, HashFrom.ESI, CORPORATION, Source.CORPORATION),
    (CallClass.IMPORT, HashFrom.ZKILLBOARD, ME, Source.IMPORT),
    (Bringer.ZKILLBOARD, HashFrom.ZKILLBOARD, ME, Source.IMPORT),
    (Bringer.LINK, HashFrom.ESI, ME, Source.LINK),
    (Bringer.LEGACY, HashFrom.LEGACY, 0, Source.LEGACY),
    (Bringer.ARCHIVE, HashFrom.ARCHIVE, ME, Source.ARCHIVE),
    (Bringer.STREAM, HashFrom.ZKILLBOARD, ME, Source.LIVE),
)


async def test_each_killmail_is_counted_under_what_brought_it_first(pool: asyncpg.Pool, redis_url: str) -> None:
    expected = dict[Source, int]()
    for pilot in (ME, MATE):
        await add_user(pool, pilot)
    await pool.execute("INSERT INTO corporations_followed (corporation_id) VALUES ($1)", CORPORATION)
    async with open_redis(redis_url) as connection:
        live = LiveEvents(connection)
        for number, (by, hash_from, seen_by, source) in enumerate(BROUGHT, start=1):
            async with pool.acquire() as writing:
                await add_references(writing, seen_by, [(number, "a" * 40)], hash_from)
            killmail = raw(body(number, victim=ME, attackers=(MATE, ME)))  # on it twice, and counted once
            await receive_killmails(pool, live, [killmail], killmail_ids=[number], by=by)
            expected[source] = expected.get(source, 0) + 1
        for number in range(1, len(BROUGHT) + 1):  # by now its own list shows them all, and the archive has them
            async with pool.acquire() as writing:
                await add_references(writing, ME, [(number, "b" * 40)], HashFrom.ESI)
            await receive_killmails(pool, live, (), killmail_ids=[number], by=Bringer.ARCHIVE)
    found = await pilot_sources(pool, [ME, MATE])
    assert found[ME].stored == expected
    assert found[MATE].stored[Source.OWN_LIST] == 1, "the first sync of the other one"

    await pool.execute("UPDATE killmail_arrivals SET source = NULL")  # as before sources were kept
    await pool.execute("UPDATE killmail_refs SET hash_from = 'archive' WHERE killmail_id = 8")
    before = (await pilot_sources(pool, [ME]))[ME].stored
    assert sum(before.values()) == len(BROUGHT)
    assert before[Source.ARCHIVE] == before[Source.CORPORATION] == 1


async def test_what_is_missing_is_told_as_far_as_anybody_can_know(pool: asyncpg.Pool) -> None:
    await add_user(pool, ME)
    now = datetime.now(UTC)
    days = days_of_archive(now.date())
    found = (await pilot_sources(pool, [ME]))[ME]
    assert (found.waiting, found.given_up, found.unlisted_from, found.days_unread) == (0, 0, None, days)

    async with pool.acquire() as connection:
        await add_references(connection, ME, [(1, "a" * 40), (2, "")], HashFrom.ESI)
    looked_at = now - timedelta(days=100)
    await pool.execute("UPDATE users SET last_killmail_sync_at = $1, created_at = $2", looked_at, looked_at)
    yesterday = now.date() - timedelta(days=1)
    await record_day(pool, yesterday, now, "", "", DayAccount(10, 8, 1, 1, {"hash": 1}))
    await record_day(pool, yesterday - timedelta(days=1), now, "", "", DayAccount(5, 5, 1, 1, {}))
    await record_day(
        pool, yesterday - timedelta(days=2), looked_at - timedelta(days=1), "", "", DayAccount(5, 5, 1, 1, {})
    )
    found = (await pilot_sources(pool, [ME]))[ME]
    assert (found.waiting, found.given_up, found.days_unread) == (1, 1, days - 2)
    assert found.unlisted_from == looked_at
    assert found.unlisted_to is not None
    assert timedelta(days=89) < now - found.unlisted_to < timedelta(days=91)
    differences = await archive_differences(pool)
    assert (differences.days, differences.killmails) == (1, 2)
