"""The database of a made-up war that the benches read: made once for each number of killmails, then kept.

It lies in `.killreport/bench`, in a Postgres of its own. It is migrated like any other database, and made again when
the war has changed. One that is copied for its size has sums of the busiest corporation alone: to add up everybody's
would take hours.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from db.migrate import migrate
from db.sums.build import build_piece, choose_subjects, unfinished
from sandbox.benches import war_copies, war_sql
from sandbox.benches.measured import Say
from sandbox.ports import start_on_free_ports
from sandbox.postgres import ensure_database, postgres
from sandbox.process import Part, RunningPart
from settings import STATE_DIRECTORY

MILLION = 1_000_000
BUILT_AT_ONCE = 50_000
"""Killmails of a subject counted by one transaction: nothing waits for it."""
WRITERS = 2
SERVER = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "log_min_messages": "error",
}
_LAYOUT = "58"
"""The decision by which rows were last laid out otherwise: a war of before takes more of the disk than one of today."""
_FILLED = ("killmails", "killmail_bodies", "participants")

# What is dropped while rows pour in, and made again after them: sorting once is faster than ten million insertions.
_INDEXES = """
SELECT 'DROP INDEX ' || quote_ident(indexname), indexdef
FROM pg_indexes
WHERE schemaname = 'public' AND tablename = ANY($1) AND NOT EXISTS (
    SELECT FROM pg_constraint WHERE conname = indexname
)
"""
_CONSTRAINTS = """
SELECT
    format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid = ANY($1::text[]::regclass[]) AND contype = 'f'
"""


@dataclass(frozen=True, slots=True)
class War:
    """A running server with the database at `url`, in which there are so many killmails."""

    url: str
    killmails: int
    directory: Path
    process: int


@asynccontextmanager
async def war(killmails: int, say: Say) -> AsyncIterator[War]:
    """Start the server, make what is missing, and stop it afterwards."""
    directory = (Path.cwd() / STATE_DIRECTORY / "bench").resolve()
    async with _server(directory) as (server, server_url):
        url = f"{server_url.rpartition('/')[0]}/war_{killmails}"
        if not await is_there(url, killmails):
            await make(url, killmails, say)
        yield War(url, killmails, directory, server.process.pid)


@asynccontextmanager
async def _server(directory: Path) -> AsyncIterator[tuple[RunningPart, str]]:
    running: list[tuple[RunningPart, str]] = []

    async def start(part: Part, url: str) -> None:
        running.append((await RunningPart.start(part), url))

    def make(port: int) -> tuple[Part, str]:
        return postgres(directory, port, settings=SERVER)

    await start_on_free_ports(start, make, {"Postgres": 0}, lambda _: None)
    try:
        yield running[0]
    finally:
        await running[0][0].stop()


async def is_there(url: str, killmails: int) -> bool:
    """Whether this database is whole and of this war; its schema is today's then. One that is not is dropped."""
    server, _, name = url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        told = await connection.fetchval(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", name
        )
        if told == _fingerprint(killmails):
            await migrate(url)
            return True
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()
    return False


def _fingerprint(killmails: int) -> str:
    text = _LAYOUT + war_sql.FUNCTIONS + war_sql.PLACES_AND_PEOPLE + war_sql.killmails(0, 0, 0)
    if killmails > war_copies.DRAWN_AT_MOST:
        text += war_copies.copy(0, 0) + str(war_sql.BUSIEST_CORPORATION)
    return hashlib.sha256(text.encode()).hexdigest()


async def make(url: str, killmails: int, say: Say) -> None:
    """Make this database, which is not there."""
    started = time.perf_counter()
    say(f"  making a war of {killmails:,} killmails; it is kept for the next time")
    await ensure_database(url)
    await migrate(url)
    pool = await asyncpg.create_pool(
        url, min_size=WRITERS, max_size=WRITERS, server_settings={"synchronous_commit": "off", "timezone": "UTC"}
    )
    async with pool:
        await pool.execute(war_sql.FUNCTIONS)
        await pool.execute(war_sql.PLACES_AND_PEOPLE)
        indexes = await pool.fetch(_INDEXES, _FILLED)
        constraints = await pool.fetch(_CONSTRAINTS, _FILLED)
        for drop, _ in (*constraints, *indexes):
            await pool.execute(drop)
        crowded = war_sql.crowded(killmails)
        await _in_turns([_fill(pool, war_sql.killmails(*some, crowded)) for some in war_copies.drawn(killmails)])
        await pool.execute("VACUUM (ANALYZE) killmails, participants, killmail_bodies", timeout=None)
        await _in_turns([_fill(pool, statements) for statements in war_copies.copied(killmails)])
        say(f"  rows after {time.perf_counter() - started:.0f} s, now their indexes")
        await _in_turns([pool.execute(create, timeout=None) for _, create in indexes])
        for _, create in constraints:
            await pool.execute(create, timeout=None)
        await pool.execute("VACUUM (ANALYZE)", timeout=None)
        say(f"  indexes after {time.perf_counter() - started:.0f} s, now the sums of the busy")
        await choose_subjects(pool)
        is_copied = killmails > war_copies.DRAWN_AT_MOST
        summed = [war_sql.BUSIEST_CORPORATION] if is_copied else await unfinished(pool)
        await _in_turns([_build(pool, subject_id) for subject_id in summed])
        await pool.execute("VACUUM (ANALYZE) killmail_sums, summed_subjects", timeout=None)
        # Only what is whole is marked, so that what was killed half-way is made again.
        await pool.execute(f"COMMENT ON DATABASE \"{url.rpartition('/')[2]}\" IS '{_fingerprint(killmails)}'")
        await pool.execute("CHECKPOINT")
    say(f"  made in {time.perf_counter() - started:.0f} s")


async def _in_turns(work: Sequence[object]) -> None:
    waiting = asyncio.Semaphore(WRITERS)

    async def one(turn: object) -> None:
        async with waiting:
            await turn  # type: ignore[misc]

    async with asyncio.TaskGroup() as group:
        for turn in work:
            group.create_task(one(turn))


async def _build(pool: asyncpg.Pool, subject_id: int) -> None:
    while await build_piece(pool, subject_id, BUILT_AT_ONCE):
        pass


async def _fill(pool: asyncpg.Pool, statements: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(statements, timeout=None)
