"""Storing killmails: the one write path against other ways of writing the same rows, two writers at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from db.intake.store import store_killmails
from db.sums.keep import Change, keep_sums
from db.tables.killmails import Killmail, KillmailBody, Participant
from db.values.appraisal import appraise
from sandbox.benches.measured import Measured, Say
from sandbox.benches.war import War, war

WRITERS = 2
BATCHES = (150, 2_500)
LEAST = 100_000
"""Killmails that are there already, so that indexes have a real depth; of a larger war not all are needed."""
FIRST_NEW = 900_000_000
ROUNDS = 2
Batch = Sequence[dict[str, Any]]
Write = Callable[[asyncpg.Pool, Batch], Awaitable[None]]
_KILLMAIL = ("killmail_id", "killmail_time", "solar_system_id", "attacker_count")
_PARTICIPANT = (
    "killmail_id", "ordinal", "killmail_time", "is_victim", "character_id", "corporation_id", "alliance_id",
    "faction_id", "ship_type_id", "weapon_type_id", "damage", "final_blow", "security_status",
)  # fmt: skip
LEAST_SHARE = 0.8
FOR_EVER = datetime.max.replace(tzinfo=UTC)
"""Postgres's infinity."""


async def storing(killmails: int, say: Say) -> Measured:
    """Killmails per second, each way with new ones of its own, which are taken away again."""
    async with war(min(killmails, LEAST), say) as on, asyncpg.create_pool(on.url, min_size=2, max_size=4) as pool:
        texts = await pool.fetch("SELECT body::text FROM killmail_bodies ORDER BY killmail_id LIMIT 10000")
        bodies = [orjson.loads(row[0]) for row in texts]
        lines = []
        async with _orm(on) as orm:
            ways: Mapping[str, Write] = {
                "the one write path": _store,
                "SQLAlchemy ORM, add_all": orm,
                "executemany": _executemany,
                "COPY, no conflict allowed": _copy,
            }
            for size in BATCHES:
                rates = {name: await _rate(pool, write, bodies, size) for name, write in ways.items()}
                ours = rates["the one write path"]
                lines += [
                    f"batches of {size:>5}: {name}: {rate:,.0f} killmails/s; the one write path is"
                    f" {ours / rate:.2f} times as fast"
                    for name, rate in rates.items()
                ]
        broken = []
        for size in BATCHES:
            line, share = await _with_sums(pool, bodies, size)
            lines.append(line)
            if share < LEAST_SHARE:
                broken.append(f"batches of {size}: with sums it is {share:.2f} as fast, and not {LEAST_SHARE}")
    return Measured(lines, broken)


async def _with_sums(pool: asyncpg.Pool, bodies: Batch, size: int) -> tuple[str, float]:
    """Stored and appraised, with sums of the busy and without any, in turns."""
    best = {True: 0.0, False: 0.0}
    for summed in (False, True) * ROUNDS:
        await pool.execute("UPDATE summed_subjects SET counted_until = $1", FOR_EVER if summed else None)
        rate = await _rate(pool, _store_and_appraise, bodies, size, rounds=1)
        best[summed] = max(best[summed], rate)
    share = best[True] / best[False]
    subjects = await pool.fetchval("SELECT count(*) FROM summed_subjects")
    line = (
        f"batches of {size:>5}: stored and appraised: {best[False]:,.0f} killmails/s, {best[True]:,.0f} with the sums"
        f" of {subjects} subjects kept: {share:.2f} as fast"
    )
    return line, share


async def _rate(pool: asyncpg.Pool, write: Write, bodies: Batch, size: int, rounds: int = ROUNDS) -> float:
    """The best of some rounds; each writer has batches enough for a few thousand killmails."""
    best = 0.0
    for _ in range(rounds):
        count = max(1, 2_500 // size)
        fresh = [{**bodies[n % len(bodies)], "killmail_id": FIRST_NEW + n} for n in range(WRITERS * count * size)]
        batches = [fresh[start : start + size] for start in range(0, len(fresh), size)]

        async def one(mine: Sequence[Batch]) -> None:
            for batch in mine:
                await write(pool, batch)

        started = time.perf_counter()
        await asyncio.gather(*(one(batches[writer::WRITERS]) for writer in range(WRITERS)))
        best = max(best, len(fresh) / (time.perf_counter() - started))
        await _take_away(pool)
    await pool.execute("VACUUM killmails, killmail_bodies, participants", timeout=None)
    return best


async def _take_away(pool: asyncpg.Pool) -> None:
    """The new killmails, and what they added to the sums."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "SELECT killmail_id, -1 AS killmails, -coalesce(total_value, 0) AS value,"
            " -coalesce(solo, false)::int AS solo FROM killmails WHERE killmail_id >= $1 AND damage_done IS NOT NULL",
            FIRST_NEW,
        )
        await keep_sums(connection, [Change(**row) for row in rows])
        await connection.execute("DELETE FROM killmail_sums WHERE kills = 0 AND losses = 0", timeout=None)
        await connection.execute("DELETE FROM killmails WHERE killmail_id >= $1", FIRST_NEW, timeout=None)


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


async def _executemany(pool: asyncpg.Pool, batch: Batch) -> None:
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
