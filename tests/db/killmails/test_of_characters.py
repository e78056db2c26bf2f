"""Several characters' killmails, each apart: as the feed of each would be, in statements that do not grow with them."""

from __future__ import annotations

import asyncpg
import pytest

from db.killmails.feed import KillmailFilter, Viewer, count, feed
from db.killmails.of_characters import counts_apart, feeds_apart
from db.pool import open_pool
from db.syncs.status import recent_runs
from tests.db.drawn import PILOTS
from tests.db.killmails.plans import statements_of


@pytest.mark.usefixtures("killmails")
async def test_each_has_the_feed_of_its_own(pool: asyncpg.Pool) -> None:
    viewer = Viewer(tuple(PILOTS))
    pages = await feeds_apart(pool, viewer, PILOTS, 7, with_attackers=True, with_items=True, with_position=True)
    counts = await counts_apart(pool, PILOTS)
    for pilot in PILOTS:
        chosen = KillmailFilter(character_id=pilot)
        own = await feed(pool, viewer, 7, None, chosen, with_attackers=True, with_items=True)
        assert [node["id"] for node in pages[pilot].nodes] == [node["id"] for node in own.nodes]
        assert (pages[pilot].cursors, pages[pilot].has_next_page) == (own.cursors, True)
        assert counts[pilot] == await count(pool, viewer, chosen)


@pytest.mark.usefixtures("killmails")
async def test_only_the_viewers_own_are_read(pool: asyncpg.Pool) -> None:
    pages = await feeds_apart(
        pool, Viewer((PILOTS[0],)), PILOTS, 3, with_attackers=False, with_items=False, with_position=False
    )
    assert [*pages] == [PILOTS[0]]
    assert await feeds_apart(pool, Viewer(()), [], 3, with_attackers=False, with_items=False, with_position=False) == {}


@pytest.mark.usefixtures("killmails")
async def test_statements_do_not_grow_with_the_characters(database_url: str) -> None:
    async with await open_pool(database_url, max_size=1) as pool:
        counted = []
        for pilots in (PILOTS[:1], PILOTS):
            async with statements_of(pool) as sent:
                await feeds_apart(
                    pool, Viewer(tuple(pilots)), pilots, 20, with_attackers=True, with_items=True, with_position=True
                )
                await counts_apart(pool, pilots)
                await recent_runs(pool, pilots)
            counted.append(len(sent))
    assert counted == [7, 7]
