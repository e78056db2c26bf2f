"""Storing killmails: the one write path against other ways of writing the same rows, two writers at a time.

Sums are kept of the 200 busiest pilots and of a corporation, as far as they have killmails enough
([decision 38](decisions/0038-sums-for-who-may-see-all.md)). Processor time is that of Postgres and the writer, for each
killmail; ratios are of the least that it took.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from db.intake.store import store_killmails
from db.pool import open_pool
from db.sums.fold import fold, waiting_to_be_folded
from db.sums.keep import Change, keep_sums
from db.tables.killmails import Killmail, KillmailBody, Participant
from db.values.appraisal import appraise
from sandbox.benches.measured import Goal, Measured, Say, at_least
from sandbox.benches.processor_time import processor_seconds
from sandbox.benches.war import War, war

WRITERS = 2
BATCHES = (150, 2_500)
LEAST = 100_000
"""Killmails that are there already, so that indexes have a real depth; of a larger war not all are needed."""
FIRST_NEW = 900_000_000
PYTHONS_OWN = (700, 10, 10)
"""When Python looks for garbage unless it is told otherwise, as `killreport` does: every way is measured with it. It is
SQLAlchemy's objects that there are many of."""
ROUNDS = 3
PATIENCE = 300
LEAST_TIMES = {"SQLAlchemy ORM, add_all": 5.0, "executemany": 1.0, "COPY, no conflict allowed": 0.8}
"""As fast as these at least."""
Batch = Sequence[dict[str, Any]]
Write = Callable[[asyncpg.Pool, Batch], Awaitable[None]]
_KILLMAIL = ("killmail_id", "killmail_time", "solar_system_id", "attacker_count")
_PARTICIPANT = (
    "killmail_id", "ordinal", "killmail_time", "is_victim", "character_id", "corporation_id", "alliance_id",
    "faction_id", "ship_type_id", "weapon_type_id", "damage", "final_blow", "security_status",
)  # fmt: skip
LEAST_SHARE = 0.8
"""With sums against without, and against COPY; by processor time, which other programs do not blur."""
SUMMED_BATCHES = (50, 150, 2_500)
FOR_EVER = datetime.max.replace(tzinfo=UTC)
"""Postgres's infinity."""


async def storing(killmails: int, say: Say) -> Measured:
    """Killmails per second, each way with new ones of its own, which are taken away again."""
    tuned = gc.get_threshold()
    gc.set_threshold(*PYTHONS_OWN)
    try:
        lines, goals = await _ways(min(killmails, LEAST), say)
    finally:
        gc.set_threshold(*tuned)
    async with (
        war(killmails, say) as on,
        await open_pool(on.url, max_size=4, statement_timeout_seconds=PATIENCE) as pool,
    ):
        bodies = await _bodies(pool)
        subjects = await pool.fetchval("SELECT count(*) FROM summed_subjects")
        lines.append(f"stored and appraised among {killmails:,}, without sums and with those of {subjects} subjects:")
        for size in SUMMED_BATCHES:
            line, share = await _with_sums(on, pool, bodies, size)
            lines.append(line)
            goals.append(
                at_least(f"stored and appraised with sums, batches of {size:,}", share, LEAST_SHARE, "times without")
            )
    return Measured(lines, [], goals)


async def _bodies(pool: asyncpg.Pool) -> Batch:
    texts = await pool.fetch("SELECT body::text FROM killmail_bodies ORDER BY killmail_id LIMIT 10000")
    return [orjson.loads(row[0]) for row in texts]


async def _ways(killmails: int, say: Say) -> tuple[list[str], list[Goal]]:
    lines, goals = [], []
    async with (
        war(killmails, say) as on,
        await open_pool(on.url, max_size=4, statement_timeout_seconds=PATIENCE) as pool,
    ):
        bodies = await _bodies(pool)
        async with _orm(on) as orm:
            ways: Mapping[str, Write] = {
                "the one write path": _store,
                "SQLAlchemy ORM, add_all": orm,
                "executemany": executemany,
                "COPY, no conflict allowed": _copy,
            }
            for size in BATCHES:
                found = {name: await _best(on, pool, write, bodies, size) for name, write in ways.items()}
                rate, ours = found["the one write path"]
                for name, (other, cost) in found.items():
                    lines.append(
                        f"batches of {size:>5}: {name}: {other:,.0f} killmails/s, {cost:.3f} ms of processor each; the"
                        f" one write path is {rate / other:.2f} times as fast, {cost / ours:.2f} by processor time"
                    )
                    if name in LEAST_TIMES:
                        what = f"the one write path, batches of {size:,}"
                        goals.append(at_least(what, cost / ours, LEAST_TIMES[name], f"times {name}"))
    return lines, goals


async def _with_sums(on: War, pool: asyncpg.Pool, bodies: Batch, size: int) -> tuple[str, float]:
    """With sums of the busy and without any, in turns; the share is of the least processor time of each."""
    rates, costs, later = {True: 0.0, False: 0.0}, {True: float("inf"), False: float("inf")}, float("inf")
    for summed in (False, True) * ROUNDS:
        await pool.execute("UPDATE summed_subjects SET counted_until = $1", FOR_EVER if summed else None)
        rate, cost, folding = await _round(on, pool, _store_and_appraise, bodies, size)
        rates[summed], costs[summed] = max(rates[summed], rate), min(costs[summed], cost)
        later = min(later, folding) if summed else later
    share = costs[False] / costs[True]
    line = (
        f"batches of {size:>5}: {rates[False]:,.0f} and {rates[True]:,.0f} killmails/s"
        f" ({rates[True] / rates[False]:.2f}); {costs[False]:.3f} and {costs[True]:.3f} ms of processor each,"
        f" and {later:.3f} later, when what waits is folded into the sums"
    )
    return line, share


async def _best(on: War, pool: asyncpg.Pool, write: Write, bodies: Batch, size: int) -> tuple[float, float]:
    """The most killmails a second, and the least processor time of each (ms), of some rounds."""
    rounds = [await _round(on, pool, write, bodies, size) for _ in range(ROUNDS)]
    await pool.execute("VACUUM killmails, killmail_bodies, participants", timeout=None)
    return max(one[0] for one in rounds), min(one[1] for one in rounds)


async def _round(on: War, pool: asyncpg.Pool, write: Write, bodies: Batch, size: int) -> tuple[float, float, float]:
    """Killmails a second, and processor time of each (ms), now and for folding: thousands for each writer."""
    count = max(1, 2_500 // size)
    fresh = [{**bodies[n % len(bodies)], "killmail_id": FIRST_NEW + n} for n in range(WRITERS * count * size)]
    batches = [fresh[start : start + size] for start in range(0, len(fresh), size)]

    async def one(mine: Sequence[Batch]) -> None:
        for batch in mine:
            await write(pool, batch)

    await pool.execute("CHECKPOINT", timeout=None)
    before, started = processor_seconds([on.process]) + time.process_time(), time.perf_counter()
    await asyncio.gather(*(one(batches[writer::WRITERS]) for writer in range(WRITERS)))
    seconds, spent = time.perf_counter() - started, processor_seconds([on.process]) + time.process_time() - before
    before = processor_seconds([on.process])
    await fold_all(pool)
    folding = processor_seconds([on.process]) - before
    await take_away(pool, FIRST_NEW)
    return len(fresh) / seconds, 1000 * spent / len(fresh), 1000 * folding / len(fresh)


async def take_away(pool: asyncpg.Pool, first: int) -> None:
    """The killmails from this id on, and what they added to the sums."""
    await fold_all(pool)
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "SELECT killmail_id, -1 AS killmails, -coalesce(total_value, 0) AS value,"
            " -coalesce(solo, false)::int AS solo FROM killmails WHERE killmail_id >= $1 AND damage_done IS NOT NULL",
            first,
        )
        await keep_sums(connection, [Change(**row) for row in rows])
    await fold_all(pool)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM killmail_sums WHERE kills = 0 AND losses = 0", timeout=None)
        await connection.execute("DELETE FROM killmails WHERE killmail_id >= $1", first, timeout=None)


async def fold_all(pool: asyncpg.Pool) -> None:
    """Nothing waits any more."""
    for subject_id in await waiting_to_be_folded(pool):
        while await fold(pool, subject_id):
            pass


async def _store_and_appraise(pool: asyncpg.Pool, batch: Batch) -> None:
    await _store(pool, batch)
    await appraise(pool, [body["killmail_id"] for body in batch])


async def _store(pool: asyncpg.Pool, batch: Batch) -> None:
    await store_killmails(pool, [orjson.dumps(body) for body in batch])


def _rows(batch: Batch) -> tuple[list[Any], list[Any], list[Any]]:
    killmails, bodies, participants = [], [], []
    for body in batch:
        id_, at = body["killmail_id"], datetime.fromisoformat(body["killmail_time"])
        killmails.append((id_, at, body["solar_system_id"], len(body["attackers"])))
        bodies.append((id_, orjson.dumps(body).decode()))
        for ordinal, one in enumerate((body["victim"], *body["attackers"])):
            ids = [one.get(f"{name}_id") for name in ("character", "corporation", "alliance", "faction", "ship_type")]
            damage = one["damage_done"] if ordinal else one["damage_taken"]
            weapon, blow, security = one.get("weapon_type_id"), one.get("final_blow", False), one.get("security_status")
            participants.append((id_, ordinal, at, not ordinal, *ids, weapon, damage, blow, security))
    return killmails, bodies, participants


async def executemany(pool: asyncpg.Pool, batch: Batch) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for table, names, rows in zip(
            ("killmails", "killmail_bodies", "participants"),
            (_KILLMAIL, ("killmail_id", "body"), _PARTICIPANT),
            _rows(batch),
            strict=True,
        ):
            places = ", ".join(f"${position + 1}" for position in range(len(names)))
            await connection.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
                rows,
            )


async def _copy(pool: asyncpg.Pool, batch: Batch) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for table, names, rows in zip(
            ("killmails", "killmail_bodies", "participants"),
            (_KILLMAIL, ("killmail_id", "body"), _PARTICIPANT),
            _rows(batch),
            strict=True,
        ):
            await connection.copy_records_to_table(table, columns=names, records=rows)


class _orm:  # noqa: N801 - used as a function
    """Writes models as an application would that knows nothing better: `add_all` and one commit."""

    def __init__(self, on: War) -> None:
        self._engine = create_async_engine(on.url.replace("postgresql://", "postgresql+asyncpg://"))

    async def __aenter__(self) -> Write:
        return self._write

    async def __aexit__(self, *_: object) -> None:
        await self._engine.dispose()

    async def _write(self, _: asyncpg.Pool, batch: Batch) -> None:
        killmails, _bodies, participants = _rows(batch)
        async with AsyncSession(self._engine) as session:
            session.add_all([Killmail(**dict(zip(_KILLMAIL, row, strict=True))) for row in killmails])
            await session.flush()
            session.add_all([KillmailBody(killmail_id=body["killmail_id"], body=body) for body in batch])
            session.add_all([Participant(**dict(zip(_PARTICIPANT, row, strict=True))) for row in participants])
            await session.commit()
