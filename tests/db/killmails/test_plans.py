"""A page of the feed is found by walking the shortest index, whoever looks and whatever is asked for."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db.killmails.cursors import encode_cursor, encode_value_cursor
from db.killmails.feed import COUNTED, KillmailFilter, Order, ParticipantFilter, Viewer, count
from db.killmails.statistics import Subject, statistics
from db.pool import open_pool
from tests.db.killmails.listed import listed
from tests.db.killmails.plans import Statement, rows_read, statements_of, tables_scanned
from tests.db.killmails.skew import (
    ALLIANCE,
    BUSY,
    COMMON_SHIP,
    CORPORATION,
    CROWDED,
    EMPTY,
    KILLMAILS,
    QUIET,
    RARE_GROUP,
    RARE_SHIP,
    seed,
)

SMALL_TABLES = {"solar_systems", "constellations", "regions", "types", "type_groups", "type_categories"}


@pytest.fixture(scope="module")
async def seeded(postgres_url: str, template_database: str) -> AsyncIterator[asyncpg.Pool]:
    server, name = postgres_url.rpartition("/")[0], f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"')
    await seed(f"{server}/{name}")
    async with await open_pool(f"{server}/{name}", max_size=1) as pool:
        yield pool
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


async def page_of(
    pool: asyncpg.Pool,
    viewer: Viewer,
    chosen: KillmailFilter = KillmailFilter(),  # noqa: B008 - frozen
    order: Order = "TIME",
    after: str | None = None,
) -> tuple[list[int], list[Statement], list[dict[str, Any]]]:
    """The page's ids, the statements that made it, and the plan of the one that found them."""
    async with statements_of(pool) as sent:
        page = await listed(pool, viewer, 50, after, chosen, order)
    (found_by,) = [statement for statement in sent if "WITH " in statement.query]
    async with pool.acquire() as connection:
        plan = await found_by.plan(connection)
    return page.ids, sent, plan


ALL_OF_CORPORATION = Viewer((QUIET,), (CORPORATION,))


@pytest.mark.parametrize(
    ("viewer", "chosen", "index", "most"),
    [
        # The plain feed: about a page of entries, however many there are.
        (Viewer((BUSY, QUIET)), KillmailFilter(), "participants_character", 120),
        (Viewer((QUIET,)), KillmailFilter(side="VICTIM"), "participants_character_losses", 60),
        (ALL_OF_CORPORATION, KillmailFilter(corporation_id=CORPORATION), "participants_corporation", 60),
        (ALL_OF_CORPORATION, KillmailFilter(scope="VISIBLE"), "participants_corporation", 60),
        # Also where everything is seen: a side is the viewer's.
        (
            Viewer((QUIET,), sight="ALL"),
            KillmailFilter(scope="VISIBLE", side="VICTIM"),
            "participants_character_losses",
            60,
        ),
        # A busy viewer and something rare: what is rare leads.
        (Viewer((BUSY,)), KillmailFilter(solar_system_id=EMPTY), "killmails_solar_system", 10),
        (Viewer((BUSY,)), KillmailFilter(awox=True), "killmails_awox", 10),
        (Viewer((BUSY,)), KillmailFilter(character_id=QUIET), "participants_character", 30),
        (
            Viewer((BUSY,)),
            KillmailFilter(victim=ParticipantFilter(ship_type_id=RARE_SHIP)),
            "participants_ship_losses",
            10,
        ),
        (
            Viewer((BUSY,)),
            KillmailFilter(victim=ParticipantFilter(ship_group_id=RARE_GROUP)),
            "participants_ship_losses",
            10,
        ),
        # A quiet viewer and something common: the viewer leads.
        (Viewer((QUIET,)), KillmailFilter(alliance_id=ALLIANCE), "participants_character", 30),
        (Viewer((QUIET,)), KillmailFilter(solar_system_id=CROWDED), "participants_character", 30),
        (
            Viewer((QUIET,)),
            KillmailFilter(victim=ParticipantFilter(ship_type_id=COMMON_SHIP), security=frozenset({"NULL_SEC"})),
            "participants_character",
            30,
        ),
        # Both common: the page is full soon.
        (Viewer((BUSY,)), KillmailFilter(min_value=Decimal("10000000000")), "participants_character", 250),
        (Viewer((BUSY,)), KillmailFilter(security=frozenset({"HIGH_SEC"})), "participants_character", 250),
    ],
)
async def test_the_shortest_index_leads(
    seeded: asyncpg.Pool, viewer: Viewer, chosen: KillmailFilter, index: str, most: int
) -> None:
    _, _, plan = await page_of(seeded, viewer, chosen)
    assert 0 < rows_read(plan, index) <= most
    assert tables_scanned(plan) <= SMALL_TABLES


async def test_of_indexes_too_long_to_count_the_rarest_leads(
    seeded: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BUSY is on every second killmail, and on each of the 178 of this system."""
    monkeypatch.setattr("db.killmails.pages.PROBED", 50)
    ids, _, plan = await page_of(seeded, Viewer((BUSY,)), KillmailFilter(solar_system_id=30_000_004))
    assert len(ids) == 50
    assert 0 < rows_read(plan, "killmails_solar_system") <= 60


@pytest.mark.parametrize("chosen", [KillmailFilter(), KillmailFilter(solar_system_id=CROWDED)])
async def test_a_deep_page_costs_what_the_first_one_costs(seeded: asyncpg.Pool, chosen: KillmailFilter) -> None:
    first, *_ = await page_of(seeded, Viewer((BUSY,)), chosen)
    page = await listed(seeded, Viewer((BUSY,)), 1, None, chosen)
    time = await seeded.fetchval("SELECT killmail_time FROM killmails WHERE killmail_id = 2000")
    deep, _, plan = await page_of(seeded, Viewer((BUSY,)), chosen, after=encode_cursor(time, 2000))
    assert page.cursors
    assert first[0] > 19_000
    assert max(deep) < 2000
    walked = rows_read(plan, "participants_character") + rows_read(plan, "killmails_solar_system")
    assert 0 < walked <= 300
    assert tables_scanned(plan) <= SMALL_TABLES


async def test_the_most_valuable_of_many_are_found_by_value(seeded: asyncpg.Pool) -> None:
    ids, _, plan = await page_of(seeded, Viewer((BUSY,)), order="VALUE")
    expected = await seeded.fetch(
        "SELECT killmail_id FROM killmails WHERE killmail_id % 2 = 0"
        " ORDER BY total_value DESC, killmail_id DESC LIMIT 50"
    )
    assert ids == [row[0] for row in expected]
    assert 0 < rows_read(plan, "killmails_value") <= 200
    after = encode_value_cursor(Decimal("5000001250.00"), 1)
    _, _, plan = await page_of(seeded, Viewer((BUSY,)), order="VALUE", after=after)
    assert 0 < rows_read(plan, "killmails_value") <= 200
    assert tables_scanned(plan) <= SMALL_TABLES


@pytest.mark.parametrize("chosen", [KillmailFilter(), KillmailFilter(character_id=BUSY)])
async def test_the_most_valuable_of_few_are_gathered(seeded: asyncpg.Pool, chosen: KillmailFilter) -> None:
    ids, _, plan = await page_of(seeded, Viewer((QUIET,)), chosen, order="VALUE")
    values = [(await seeded.fetchval("SELECT total_value FROM killmails WHERE killmail_id = $1", one)) for one in ids]
    assert values == sorted(values, reverse=True)
    assert len(ids) == {None: 20, BUSY: 20}[chosen.character_id]
    assert rows_read(plan, "participants_character") <= 50
    assert tables_scanned(plan) <= SMALL_TABLES


@pytest.mark.parametrize(
    ("chosen", "order", "statements"),
    [
        (KillmailFilter(), "TIME", 2),
        (KillmailFilter(solar_system_id=CROWDED, alliance_id=ALLIANCE, solo=False), "TIME", 3),
        (KillmailFilter(), "VALUE", 3),
    ],
)
async def test_a_page_takes_a_fixed_few_statements(
    seeded: asyncpg.Pool, chosen: KillmailFilter, order: Order, statements: int
) -> None:
    ids, sent, _ = await page_of(seeded, Viewer((BUSY,)), chosen, order=order)
    assert len(ids) == 50
    assert len(sent) == statements


async def test_counting_stops_where_it_says(seeded: asyncpg.Pool) -> None:
    assert await count(seeded, Viewer((BUSY,))) == KILLMAILS // 2 == COUNTED
    assert await count(seeded, Viewer((BUSY, QUIET), (98_000_000, CORPORATION)), KillmailFilter(scope="VISIBLE")) == (
        COUNTED + 1
    )
    assert await count(seeded, Viewer((BUSY,)), KillmailFilter(solar_system_id=EMPTY)) == 10
    assert await count(seeded, Viewer(())) == 0


@pytest.mark.parametrize(
    ("viewer", "subject"),
    [
        (Viewer((QUIET,)), Subject()),
        (Viewer((QUIET,)), Subject(ParticipantFilter(character_id=BUSY))),
        (Viewer((QUIET,)), Subject(solar_system_id=CROWDED)),
        (Viewer((BUSY,)), Subject(ParticipantFilter(character_id=QUIET))),
        (Viewer((BUSY,)), Subject(solar_system_id=EMPTY)),
    ],
)
async def test_statistics_take_four_statements_and_read_what_they_count(
    seeded: asyncpg.Pool, viewer: Viewer, subject: Subject
) -> None:
    async with statements_of(seeded) as sent:
        told = await statistics(seeded, viewer, subject, None, None)
    assert 10 <= told["kills"] + (told["losses"] or 0) <= 25
    assert len(sent) <= 4
    (counted,) = [statement for statement in sent if "AS total" in statement.query]
    async with seeded.acquire() as connection:
        plan = await counted.plan(connection)
    assert tables_scanned(plan) <= SMALL_TABLES
    assert 0 < rows_read(plan, "participants_character") + rows_read(plan, "killmails_solar_system") <= 120


async def test_statistics_are_made_of_the_sections_asked_for(seeded: asyncpg.Pool) -> None:
    async with statements_of(seeded) as sent:
        told = await statistics(seeded, Viewer((QUIET,)), Subject(), None, None, sections=["daily"])
    assert sum(day["kills"] + day["losses"] for day in told["daily"]) == told["kills"] + told["losses"] > 0
    assert told["topShips"] == told["activity"] == []
    assert "isodow" not in "".join(statement.query for statement in sent)
