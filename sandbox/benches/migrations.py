"""The newest revisions, applied to a large database while somebody stores killmails and reads them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import orjson

from db.intake.store import store_killmails
from db.migrate import LOCK_SECONDS, migrate, newest_revisions, take_back
from sandbox.benches.measured import Measured, Say, at_most
from sandbox.benches.war import war

NEWEST = 3
FIRST_NEW = 910_000_000
AT_ONCE = 50
CALM_SECONDS = 5.0
POLL_SECONDS = 0.01
_STRONG_LOCKS = """
SELECT relation::regclass::text AS relation, mode
FROM pg_locks
JOIN pg_stat_activity USING (pid)
WHERE
    application_name = 'killreport migrate' AND locktype = 'relation' AND granted
    AND mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
    AND relation IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)
"""
_DELETE = "DELETE FROM killmails WHERE killmail_id >= $1"


@dataclass
class Work:
    """How long each batch of a writer, and each read, took."""

    stored: int = 0
    longest_write: float = 0.0
    longest_read: float = 0.0


@dataclass
class Locks:
    """How long each table was locked against writers at most, as far as asking every `POLL_SECONDS` tells."""

    since: dict[str, float] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)


async def migrations(killmails: int, say: Say) -> Measured:
    """Takes the newest revisions back and applies them again; a writer that waits longer than for one lock breaks it.

    The writer is the one write path of this program, which must live with the tables of the version before, too.
    """
    async with war(killmails, say) as on, asyncpg.create_pool(on.url, min_size=3, max_size=4) as pool:
        bodies = [row[0] for row in await pool.fetch("SELECT body::text FROM killmail_bodies LIMIT 5000")]
        names = await newest_revisions(on.url, NEWEST)
        calm, busy, locks = Work(), Work(), Locks()
        try:
            async with _working(pool, bodies, FIRST_NEW, calm):
                await asyncio.sleep(CALM_SECONDS)
            await take_back(on.url, NEWEST)
            async with _working(pool, bodies, FIRST_NEW + 1_000_000, busy), _watching(pool, locks):
                started = time.perf_counter()
                applied = await migrate(on.url)
                took = time.perf_counter() - started
        finally:
            await migrate(on.url)
            await pool.execute(_DELETE, FIRST_NEW, timeout=None)
    held = ", ".join(f"{table} up to {seconds * 1000:.0f} ms" for table, seconds in locks.longest.items())
    lines = [
        f"applied in {took:.2f} s: {', '.join(applied)}",
        f"tables locked against writers: {held or 'none seen'}",
        f"longest wait of the writer: {busy.longest_write * 1000:.0f} ms for {AT_ONCE} killmails"
        f" (without a migration: {calm.longest_write * 1000:.0f} ms), of a reader: {busy.longest_read * 1000:.0f} ms"
        f" (without: {calm.longest_read * 1000:.0f} ms); {busy.stored:,} killmails were stored meanwhile",
    ]
    broken = [] if applied == names else [f"{', '.join(names)} were to be applied"]
    bound = 1000 * (calm.longest_write + LOCK_SECONDS)
    return Measured(lines, broken, [at_most("longest wait of a writer", 1000 * busy.longest_write, bound, "ms")])


@asynccontextmanager
async def _working(pool: asyncpg.Pool, bodies: list[str], first: int, work: Work) -> AsyncIterator[None]:
    """A writer and a reader, until the block ends; a failure of theirs ends the block."""
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            batch = []
            for number in range(work.stored, work.stored + AT_ONCE):
                body = orjson.loads(bodies[number % len(bodies)])
                batch.append(orjson.dumps({**body, "killmail_id": first + number}))
            started = time.perf_counter()
            await store_killmails(pool, batch)
            work.longest_write = max(work.longest_write, time.perf_counter() - started)
            work.stored += AT_ONCE

    async def read() -> None:
        while not stop.is_set():
            started = time.perf_counter()
            await pool.fetch("SELECT killmail_id, total_value FROM killmails ORDER BY killmail_time DESC LIMIT 50")
            work.longest_read = max(work.longest_read, time.perf_counter() - started)
            await asyncio.sleep(POLL_SECONDS)

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        group.create_task(read())
        try:
            yield
        finally:
            stop.set()


@asynccontextmanager
async def _watching(pool: asyncpg.Pool, locks: Locks) -> AsyncIterator[None]:
    stop = asyncio.Event()

    async def look() -> None:
        while not stop.is_set():
            now = time.perf_counter()
            held = {row["relation"] for row in await pool.fetch(_STRONG_LOCKS)}
            locks.since = {table: locks.since.get(table, now) for table in sorted(held)}
            for table, since in locks.since.items():
                locks.longest[table] = max(locks.longest.get(table, 0.0), now - since + POLL_SECONDS)
            await asyncio.sleep(POLL_SECONDS)

    async with asyncio.TaskGroup() as group:
        group.create_task(look())
        try:
            yield
        finally:
            stop.set()
