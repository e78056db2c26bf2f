"""Several characters' killmails, each apart: as the feed of each would be, in statements that do not grow with them."""

from __future__ import annotations

import asyncpg
import pytest

from db.killmails.feed import KillmailFilter, Viewer, count
from db.killmails.of_characters import counts_apart, rows_apart
from db.killmails.rows import Wanted
from db.pool import open_pool
from db.syncs.status import recent_runs
from tests.db.drawn import PILOTS
from tests.db.killmails.listed import Listed, listed
from tests.db.killmails.plans import statements_of

WITH_EVERYBODY = Wanted(participants={"character_id"}, everyone=True)


async def apart(pool: asyncpg.Pool, viewer: Viewer, pilots: list[int], first: int) -> dict[int, Listed]:
    async with pool.acquire() as connection:
        rows = await rows_apart(connection, viewer, pilots, first, WITH_EVERYBODY)
    for one in rows.values():
        # Whose participants are there is whose killmails are.
        assert {row["killmail_id"] for row in one.participants} == {row["killmail_id"] for row in one.killmails}
    return {pilot: Listed.of(one) for pilot, one in rows.items()}


@pytest.mark.usefixtures("killmails")
async def test_each_has_the_feed_of_its_own(pool: asyncpg.Pool) -> None:
    viewer = Viewer(tuple(PILOTS))
    pages = await apart(pool, viewer, PILOTS, 7)
    counts = await counts_apart(pool, PILOTS)
    for pilot in PILOTS:
        chosen = KillmailFilter(character_id=pilot)
        assert pages[pilot] == await listed(pool, viewer, 7, None, chosen)
        assert pages[pilot].has_more
        assert counts[pilot] == await count(pool, viewer, chosen)


@pytest.mark.usefixtures("killmails")
async def test_only_the_viewers_own_are_read(pool: asyncpg.Pool) -> None:
    assert [*await apart(pool, Viewer((PILOTS[0],)), PILOTS, 3)] == [PILOTS[0]]
    assert await apart(pool, Viewer(()), [], 3) == {}


@pytest.mark.usefixtures("killmails")
async def test_statements_do_not_grow_with_the_characters(database_url: str) -> None:
    async with await open_pool(database_url, max_size=1) as pool:
        counted = []
        for pilots in (PILOTS[:1], PILOTS):
            async with statements_of(pool) as sent:
                await apart(pool, Viewer(tuple(pilots)), pilots, 20)
                await counts_apart(pool, pilots)
                await recent_runs(pool, pilots)
            counted.append(len(sent))
    assert counted == [5, 5]
