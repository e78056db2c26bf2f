"""Names are found by how they begin, the closest first, with a few entries of an index however many there are."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg
import pytest

from db.pool import open_pool
from db.universe.names import store_names
from db.universe.search import KINDS, Kind, search
from tests.db.killmails.plans import statements_of, tables_scanned

NAMES = [
    (1, "character", "Ada Lovelace"),
    (2, "character", "Adam"),
    (3, "character", "Lady Ada"),
    (4, "character", "Ad"),
    (5, "character", "O'Neill \\ 100% _ever_ 'x':* & | !"),
    (6, "character", "Ünal Ölmez"),
    (10, "corporation", "Federation Navy"),
    (11, "corporation", "Adamant Industries"),
    (20, "alliance", "Test Alliance"),
    (30, "solar_system", "Adacyne"),
    (31, "solar_system", "1DQ1-A"),
    (40, "inventory_type", "Federation Navy Comet"),
    (41, "inventory_type", "Vexor Navy Issue"),
    (50, "faction", "Gallente Federation"),
    (60, "station", "Adahum - Moon 1"),
]


@pytest.fixture
async def named(pool: asyncpg.Pool) -> None:
    await store_names(pool, NAMES, unknown=[99])
    await pool.execute(
        """INSERT INTO corporation_details (corporation_id, ticker) VALUES (10, 'FNAVY'), (11, 'ADA');
        INSERT INTO alliance_details (alliance_id, ticker) VALUES (20, 'ADAX'), (21, 'ADAY');
        INSERT INTO type_groups (group_id, name) VALUES (25, 'Frigate'), (26, 'Navy Frigate');
        INSERT INTO constellations (constellation_id, name) VALUES (70, 'Adamas');
        INSERT INTO regions (region_id, name) VALUES (80, 'The Adapt');"""
    )


async def found(pool: asyncpg.Pool, name: str, kinds: Collection[Kind] = KINDS, first: int = 20) -> list[str]:
    return [hit.name for hit in await search(pool, name, kinds, first)]


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "ada",  # the ticker ADA first, names from the shortest, the ticker ADAX, then words
            "Adamant Industries|Adam|Adamas|Adacyne|Ada Lovelace|Test Alliance|Lady Ada|The Adapt",
        ),
        ("ADAM", "Adam|Adamas|Adamant Industries"),
        ("ad", "Ad|Adam|Adamas|Adacyne|Ada Lovelace|Adamant Industries|Test Alliance|The Adapt"),
        ("navy", "Navy Frigate|Federation Navy|Vexor Navy Issue|Federation Navy Comet"),
        ("navy  comet", "Federation Navy Comet"),
        ("comet fed", "Federation Navy Comet"),
        ("federation navy", "Federation Navy|Federation Navy Comet"),
        ("1dq1-", "1DQ1-A"),
        ("o'neill \\", "O'Neill \\ 100% _ever_ 'x':* & | !"),
        ("100%", "O'Neill \\ 100% _ever_ 'x':* & | !"),
        ("'x':*", "O'Neill \\ 100% _ever_ 'x':* & | !"),
        ("_ev", "O'Neill \\ 100% _ever_ 'x':* & | !"),
        ("%", ""),
        ("Ünal", "Ünal Ölmez"),
        ("nobody at all", ""),
        ("\0ada lov", "Ada Lovelace"),
        ("   ", ""),
    ],
)
async def test_the_closest_comes_first(pool: asyncpg.Pool, name: str, expected: str) -> None:
    assert "|".join(await found(pool, name)) == expected


@pytest.mark.usefixtures("named")
async def test_kinds_and_number(pool: asyncpg.Pool) -> None:
    assert await found(pool, "ada", ["CHARACTER"]) == ["Adam", "Ada Lovelace", "Lady Ada"]
    assert await found(pool, "ada", ["REGION", "CONSTELLATION"]) == ["Adamas", "The Adapt"]
    assert await found(pool, "ada", ["ALLIANCE"]) == ["Test Alliance"]
    assert await found(pool, "ada", []) == []
    assert await found(pool, "ada", first=2) == ["Adamant Industries", "Adam"]
    (hit,) = await search(pool, "adamant", KINDS, 5)
    assert (hit.kind, hit.id, hit.ticker) == ("CORPORATION", 11, "ADA")


async def test_one_statement_and_no_table_is_read_through(pool: asyncpg.Pool, database_url: str) -> None:
    await pool.execute(
        """INSERT INTO entities (entity_id, category, name)
        SELECT 90000000 + n, 'character', 'Pilot ' || md5(n::text) || ' the ' || n FROM generate_series(1, 20000) AS n;
        INSERT INTO entities (entity_id, category, name)
        SELECT 98000000 + n, 'corporation', 'Corporation ' || n FROM generate_series(1, 5000) AS n;
        INSERT INTO corporation_details (corporation_id, ticker)
        SELECT 98000000 + n, 'T' || n FROM generate_series(1, 5000) AS n;"""
    )
    await pool.execute("VACUUM (ANALYZE) entities, corporation_details, alliance_details")
    async with await open_pool(database_url, max_size=1) as one, statements_of(one) as sent:
        for name, hits in (("pilot", 10), ("pi", 10), ("the 777", 10), ("t4999", 1), ("corporation 12", 10)):
            sent.clear()
            assert len(await search(one, name, KINDS, 10)) == hits, name
            (statement,) = sent
            async with one.acquire() as connection:
                plan = await statement.plan(connection)
            assert tables_scanned(plan) <= {"alliance_details", "type_groups", "constellations", "regions"}, name
