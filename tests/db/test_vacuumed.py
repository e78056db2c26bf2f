"""When autovacuum comes to the tables that grow and to queues, and what the planner is told of them."""

from __future__ import annotations

import asyncpg
import pytest

TEN_MILLION = 10_000_000
SET = """
SELECT option_name, option_value::float8 AS value
FROM pg_class CROSS JOIN LATERAL pg_options_to_table(reloptions)
WHERE oid = $1::text::regclass
"""
DEFAULTS = """
SELECT name AS option_name, boot_val::float8 AS value FROM pg_settings WHERE name LIKE 'autovacuum\\_%threshold'
OR name LIKE 'autovacuum\\_%scale\\_factor'
"""


async def waits_for(pool: asyncpg.Pool, table: str, what: str, rows: int) -> float:
    """How many rows must have changed before a table of so many is vacuumed or analyzed (Postgres docs, 24.1)."""
    settings = {row["option_name"]: row["value"] for row in await pool.fetch(DEFAULTS)}
    settings |= {row["option_name"]: row["value"] for row in await pool.fetch(SET, table)}
    return float(settings[f"autovacuum_{what}_threshold"] + settings[f"autovacuum_{what}_scale_factor"] * rows)


@pytest.mark.parametrize(
    ("table", "what", "rows", "at_most"),
    [
        ("participants", "vacuum_insert", 9 * TEN_MILLION, 1_000_000),
        ("participants", "analyze", 9 * TEN_MILLION, 2_000_000),
        ("killmails", "vacuum_insert", TEN_MILLION, 110_000),
        ("killmails", "vacuum", TEN_MILLION, 210_000),
        ("killmails", "analyze", TEN_MILLION, 210_000),
        ("killmail_arrivals", "vacuum_insert", TEN_MILLION, 110_000),
        ("killmail_bodies", "vacuum_insert", TEN_MILLION, 510_000),
        ("killmail_refs", "vacuum", TEN_MILLION, 210_000),
        ("killmail_sums", "vacuum", 10 * TEN_MILLION, 5_100_000),
        ("unfolded_sums", "vacuum", 1_000_000, 5_000),
        ("webhook_deliveries", "vacuum", 1_000_000, 5_000),
        ("details_wanted", "vacuum", 1_000_000, 5_000),
        ("details_wanted", "analyze", 1_000_000, 5_000),
    ],
)
async def test_a_table_is_vacuumed_before_its_reads_suffer(
    pool: asyncpg.Pool, table: str, what: str, rows: int, at_most: float
) -> None:
    assert await waits_for(pool, table, what, rows) <= at_most


async def test_pages_of_sums_keep_no_room(pool: asyncpg.Pool) -> None:
    told = {row["option_name"]: row["value"] for row in await pool.fetch(SET, "killmail_sums")}
    assert told["fillfactor"] == 100


async def test_the_planner_knows_how_many_people_a_killmail_has(pool: asyncpg.Pool) -> None:
    told = await pool.fetchval(
        "SELECT attoptions FROM pg_attribute WHERE attrelid = 'participants'::regclass AND attname = 'killmail_id'"
    )
    assert told == ["n_distinct=-0.1"], "a sample of a large table finds twenty times too many"
