"""Thirty days of the archive for two hundred pilots: how fast, what is asked for, and whether their account says whole.

What is true is asked of the sandbox's zKillboard, which knows every killmail a pilot is on.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import asyncpg

from db.intake.sources import PilotSources, Source, archive_differences, days_of_archive, pilot_sources
from db.pool import open_pool
from sandbox.benches.installed import Measuring, measuring
from sandbox.benches.measured import Measured, at_most

DAYS = 30
PILOTS = 200
HERE = """
WITH account AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)
INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state, created_at)
SELECT $1, account_id, $2, 'owner', '{}', 'revoked', 'needs_login', now() - interval '1 hour' FROM account
"""
TOTALS = 4
"""The totals are asked for by each worker, at most once an hour; a process that is started anew asks again."""


async def archive_month() -> Measured:
    """Read a month of the sandbox's archive at once, by `killreport import-archive`."""
    async with measuring(pilots=PILOTS) as on:
        pilots = {int(one["character_id"]): str(one["name"]) for one in await on.json("/_sandbox/pilots")}
        for character_id, name in pilots.items():
            await on.database.execute(HERE, character_id, name)  # nobody's own list is read
        last = datetime.now(UTC).date() - timedelta(days=1)
        first = last - timedelta(days=DAYS - 1)
        started = time.perf_counter()
        await on.installation.run("import-archive", "--from", str(first), "--to", str(last))
        seconds = time.perf_counter() - started
        asked = [one for one in await on.json("/_sandbox/requests") if one["path"].startswith("/archive/")]
        bodies = [one for one in await on.json("/_sandbox/requests") if one["path"].startswith("/killmails/")]
        read = await on.database.fetchval("SELECT sum(taken)::int FROM archive_days")
        stored = await on.database.fetchval("SELECT count(*) FROM killmails")
        async with await open_pool(on.installation.environment["DATABASE_URL"]) as pool:
            wrong = await _not_whole(on, pool, pilots, str(first), str(last))
    line = (
        f"{DAYS} days of the archive for {len(pilots)} pilots: {read:,} killmails read and {stored:,} stored in"
        f" {seconds:.1f} s, {stored / seconds:,.0f} killmails/s; {len(asked)} requests to the archive,"
        f" {len(bodies)} to ESI for bodies"
    )
    goals = [
        at_most("what is asked of the archive", len(asked), DAYS + TOTALS, "requests"),
        at_most("bodies asked of ESI", len(bodies), 0, "requests"),
        at_most("accounts that do not say whole", wrong, 0, "pilots"),
    ]
    return Measured([line], [], goals)


async def _not_whole(on: Measuring, pool: asyncpg.Pool, pilots: Collection[int], first: str, last: str) -> int:
    """Pilots whose account of this time does not say that all is here, or says so wrongly."""
    differences = await archive_differences(pool)
    if differences.days:
        return len(pilots)
    accounts = await pilot_sources(pool, pilots)
    unread = days_of_archive(datetime.now(UTC).date()) - DAYS
    return sum(
        [
            not _says_whole(accounts[one], unread)
            or accounts[one].stored.get(Source.ARCHIVE, 0) != await _of_zkillboard(on, one, first, last)
            for one in pilots
        ]
    )


def _says_whole(account: PilotSources, unread: int) -> bool:
    """Of what was read nothing is missing."""
    return account.days_unread == unread and not (account.waiting or account.given_up or account.unlisted_from)


async def _of_zkillboard(on: Measuring, character_id: int, first: str, last: str) -> int:
    found: set[int] = set()
    page = 1
    while listed := await on.json(f"/api/characterID/{character_id}/page/{page}/"):
        found |= {one["killmail_id"] for one in listed if first <= one["killmail_time"][:10] <= last}
        page += 1
    return len(found)
