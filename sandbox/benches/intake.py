"""A day of the public archive, from its file to stored, valued, in the order of arrival and in the sums.

The file is packed as the archive packs it, and everybody in it is wanted. It goes into an empty database and into that
of the war, each with prices and with sums of 201 subjects. Against it: the same file by tarfile and json, its rows by
executemany, 500 killmails to a transaction, and nothing else: nothing checked, valued, told or added up. Processor time
is that of Postgres and of whoever reads, for each killmail; where it goes is told by part.
"""

from __future__ import annotations

import bz2
import contextlib
import hashlib
import io
import tarfile
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import asyncpg
import orjson

from db.intake.public import PublicIntake
from db.migrate import migrate
from db.values.prices import store_snapshot
from eve.wanted import Wanted
from live import LiveEvents
from redis_client import open_redis
from sandbox.benches.intake_parts import Meter, Profile, profiled, unpacking_alone
from sandbox.benches.measured import Measured, Say, at_least
from sandbox.benches.storing import FOR_EVER, PATIENCE, executemany, take_away
from sandbox.benches.war import War, war
from sandbox.benches.war_sql import CORPORATIONS, FIRST_CORPORATION, FIRST_PILOT, PILOTS, VIEWERS
from sandbox.postgres import ensure_database
from sandbox.process import RunningPart, free_port
from sandbox.valkey import valkey

KILLMAILS = 15_000
"""Of a day."""
MORE_ITEMS = 4
"""Times as many items as in the war, which makes killmails about as large as EVE's are on average: 5 kB."""
FIRST_NEW = 970_000_000
PER_SECOND = 5_000.0
TIMES_ROWS_ALONE = 1.0
ALTERNATIVE_AT_ONCE = 500
PRICED = range(580, 12_001)
PRICES_FROM = date(2022, 12, 31)
WANTED = Wanted(
    frozenset(range(FIRST_PILOT, FIRST_PILOT + PILOTS)),
    frozenset(range(FIRST_CORPORATION, FIRST_CORPORATION + CORPORATIONS)),
)
Read = Callable[[asyncpg.Pool, bytes], Awaitable[None]]
_SUBJECTS = """
INSERT INTO summed_subjects (subject_id, is_corporation, counted_until)
SELECT $1::bigint + n, false, $4::timestamptz FROM generate_series(0, $2 - 1) AS n
UNION ALL
SELECT $3, true, $4
"""


async def intake(killmails: int, say: Say) -> Measured:
    """Killmails a second, and processor time of each."""
    lines, goals = [], []
    async with contextlib.AsyncExitStack() as stack:
        on = await stack.enter_async_context(war(killmails, say))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="killreport-bench-")))
        part, redis_url = valkey(directory, free_port())
        redis = await RunningPart.start(part)
        stack.push_async_callback(redis.stop)
        live = LiveEvents(await stack.enter_async_context(contextlib.aclosing(open_redis(redis_url))))
        meter = Meter()
        full = await stack.enter_async_context(await meter.open_pool(on.url, PATIENCE))
        packed, size = await _archive(full)
        unpacking = unpacking_alone(packed)
        lines.append(f"{KILLMAILS:,} killmails of {size / KILLMAILS / 1000:.1f} kB, {len(packed) / 1e6:.1f} MB packed")
        empty = await stack.enter_async_context(await _empty(stack, on, meter))
        for name, pool in (("an empty database", empty), (f"a database of {killmails:,}", full)):
            await store_snapshot(pool, PRICES_FROM, "", [(type_id, Decimal(type_id), None) for type_id in PRICED])
            try:
                rate, ours = await _measure(on, pool, packed, meter, lambda pool, packed: _read(pool, packed, live))
                other, rows = await _measure(on, pool, packed, meter, _rows_alone)
            finally:
                await pool.execute("TRUNCATE price_snapshots, market_prices")
            cost, alone = (1000 * one.total / KILLMAILS for one in (ours, rows))
            lines.append(
                f"into {name}: {rate:,.0f} killmails/s, {cost:.3f} ms of processor each; rows alone {other:,.0f}/s,"
                f" {alone:.3f} ms: {rate / other:.2f} times as fast, {alone / cost:.2f} by processor time"
            )
            lines.append(f"of these {cost:.3f} ms: {ours.told(KILLMAILS, unpacking)}")
            goals.append(at_least(f"a day's file into {name}", rate, PER_SECOND, "killmails/s"))
            goals.append(at_least(f"the same into {name}", rate / other, TIMES_ROWS_ALONE, "times rows alone"))
    return Measured(lines, [], goals)


async def _archive(pool: asyncpg.Pool) -> tuple[bytes, int]:
    """The day's file, and how large its killmails are together."""
    rows = await pool.fetch("SELECT body::text FROM killmail_bodies ORDER BY killmail_id LIMIT $1", KILLMAILS)
    file, size = io.BytesIO(), 0
    with tarfile.open(fileobj=file, mode="w") as archive:
        for number in range(KILLMAILS):
            body = {**orjson.loads(rows[number % len(rows)][0]), "killmail_id": FIRST_NEW + number}
            body["victim"]["items"] *= MORE_ITEMS
            body["killmail_hash"] = hashlib.sha1(str(number).encode()).hexdigest()  # noqa: S324 - EVE's hashes are SHA-1
            text = orjson.dumps(body)
            member = tarfile.TarInfo(f"killmails/{FIRST_NEW + number}.json")
            member.size = len(text)
            size += len(text)
            archive.addfile(member, io.BytesIO(text))
    return bz2.compress(file.getvalue()), size


async def _empty(stack: contextlib.AsyncExitStack, on: War, meter: Meter) -> asyncpg.Pool:
    """A new database on the war's server, with the same subjects; it is dropped afterwards."""
    server = on.url.rpartition("/")[0]
    url = f"{server}/intake"
    await _drop(server)
    await ensure_database(url)
    stack.push_async_callback(_drop, server)
    await migrate(url)
    pool = await meter.open_pool(url, PATIENCE)
    await pool.execute(_SUBJECTS, FIRST_PILOT, VIEWERS, FIRST_CORPORATION, FOR_EVER)
    return pool


async def _drop(server: str) -> None:
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute("DROP DATABASE IF EXISTS intake WITH (FORCE)")
    finally:
        await connection.close()


async def _measure(on: War, pool: asyncpg.Pool, packed: bytes, meter: Meter, read: Read) -> tuple[float, Profile]:
    """Killmails a second, and what they took. What came is taken away again."""
    await pool.execute("CHECKPOINT")
    started = time.perf_counter()
    with profiled(meter, on.process) as profile:
        await read(pool, packed)
    seconds = time.perf_counter() - started
    stored = await pool.fetchval("SELECT count(*) FROM killmails WHERE killmail_id >= $1", FIRST_NEW)
    await take_away(pool, FIRST_NEW)
    await pool.execute("DELETE FROM killmail_refs WHERE killmail_id >= $1", FIRST_NEW)
    await pool.execute("VACUUM killmails, killmail_bodies, participants, killmail_refs, killmail_arrivals")
    if stored != KILLMAILS:
        raise ValueError(f"{stored} of {KILLMAILS} killmails were stored")
    return KILLMAILS / seconds, profile


async def _read(pool: asyncpg.Pool, packed: bytes, live: LiveEvents) -> None:
    async def later(_: Sequence[int]) -> None:
        """Names are asked of EVE later, and there are no webhooks."""

    await PublicIntake(pool, live, later, later).read(io.BytesIO(packed), WANTED, datetime.now(UTC), KILLMAILS)


async def _rows_alone(pool: asyncpg.Pool, packed: bytes) -> None:
    batch = []
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|bz2") as archive:
        for member in archive:
            file = archive.extractfile(member)
            batch.append(orjson.loads(file.read() if file else b""))
            if len(batch) == ALTERNATIVE_AT_ONCE:
                await executemany(pool, batch)
                batch = []
    await executemany(pool, batch)
