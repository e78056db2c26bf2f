"""What a restored database may have lost or brought back, found and mended inside of the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from db.intake.arrivals import record_arrivals
from db.values.appraisal import appraise

BATCH = 2_000

NOT_ARRIVED = """
SELECT killmail_id FROM killmails
 WHERE killmail_id > $1 AND NOT EXISTS (SELECT FROM killmail_arrivals a WHERE a.killmail_id = killmails.killmail_id)
"""
"""Stored and in no reader's order: nothing that follows would ever see them."""
NOT_APPRAISED = """
SELECT killmail_id FROM killmails
 WHERE killmail_id > $1
   AND (solo IS NULL OR price_date IS NULL AND EXISTS (SELECT FROM price_snapshots)
        OR total_value <> destroyed_value + dropped_value)
"""
"""Never looked at, without a value although there are prices, or with a value that is not the sum of its parts."""
FALSELY_STORED = """
SELECT killmail_id FROM killmail_refs
 WHERE killmail_id > $1 AND stored_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM killmails k WHERE k.killmail_id = killmail_refs.killmail_id)
"""
"""References that say they are stored, and are not: nobody would ever fetch them."""
TORN = """
SELECT killmail_id FROM killmails
 WHERE killmail_id > $1
   AND (NOT EXISTS (SELECT FROM killmail_bodies b WHERE b.killmail_id = killmails.killmail_id)
        OR attacker_count + 1 <> (SELECT count(*) FROM participants p WHERE p.killmail_id = killmails.killmail_id))
"""
"""Without their body, or with more or fewer people than they had."""


@dataclass(frozen=True, slots=True)
class KnownPilot:
    """A user as the database has it. Times are UTC."""

    character_id: int
    account_id: int
    last_login_at: datetime
    last_new_killmail_at: datetime | None


async def known_pilots(pool: asyncpg.Pool) -> dict[int, KnownPilot]:
    """Every user, by character."""
    rows = await pool.fetch("SELECT character_id, account_id, last_login_at, last_new_killmail_at FROM users")
    return {row["character_id"]: KnownPilot(**row) for row in rows}


async def followed_corporations(pool: asyncpg.Pool) -> set[int]:
    """Every corporation that has a row, followed just now or not."""
    return {row[0] for row in await pool.fetch("SELECT corporation_id FROM corporations_followed")}


async def count_killmails(pool: asyncpg.Pool, wrong: str) -> tuple[int, list[int]]:
    """How many one of the queries above finds, and the first few of them."""
    [row] = await pool.fetch(
        f"SELECT count(*) AS found, (array_agg(killmail_id ORDER BY killmail_id))[:5] AS some FROM ({wrong}) AS w",  # noqa: S608
        -1,
    )
    return row["found"], row["some"] or []


async def mend_arrivals(pool: asyncpg.Pool) -> None:
    """Give each its place in the order, in silence: it is no news."""
    async for killmail_ids in _batches(pool, NOT_ARRIVED):
        await record_arrivals(pool, killmail_ids, silent=True)


async def mend_appraisals(pool: asyncpg.Pool) -> None:
    """Work values and flags out."""
    async for killmail_ids in _batches(pool, NOT_APPRAISED):
        await appraise(pool, killmail_ids, again=True)


async def mend_references(pool: asyncpg.Pool) -> None:
    """Let what is said to be stored, and is not, be fetched again."""
    async for killmail_ids in _batches(pool, FALSELY_STORED):
        await pool.execute(
            "UPDATE killmail_refs SET stored_at = NULL, attempts = 0, next_attempt_at = NULL, claimed_until = NULL"
            " WHERE killmail_id IN (SELECT killmail_id FROM killmail_refs WHERE killmail_id = ANY ($1)"
            " ORDER BY killmail_id FOR UPDATE)",
            killmail_ids,
        )


async def read_lists_again(pool: asyncpg.Pool, character_ids: Collection[int]) -> None:
    """Let the next look of these read EVE's list, although EVE's cache of it may have told us all."""
    await pool.execute(
        "UPDATE users SET killmail_list_fresh_until = NULL WHERE character_id = ANY ($1)", list(character_ids)
    )


async def _batches(pool: asyncpg.Pool, wrong: str) -> AsyncIterator[list[int]]:
    after = -1
    while rows := await pool.fetch(f"{wrong} ORDER BY killmail_id LIMIT {BATCH}", after):
        yield [row["killmail_id"] for row in rows]
        after = rows[-1]["killmail_id"]
