"""How Postgres carries out the statements of a read: what was sent, and what was touched for it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg.connection import LoggedQuery

OURS = ("killmails", "participants", "entities", "users", "sync_runs", "details")


@dataclass(frozen=True)
class Statement:
    """A statement that was sent, with its values."""

    query: str
    values: tuple[Any, ...]

    async def plan(self, connection: Any) -> list[dict[str, Any]]:
        """The steps of its plan when Postgres does not look at the values, after it was carried out."""
        kinds = dict(re.findall(r"\$(\d+)::([a-z ]+(?:\[\])?)", self.query))
        types = ", ".join(kinds[str(number + 1)] for number in range(len(self.values)))
        arguments = ", ".join(literal(value) for value in self.values)
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE looked_at ({types}) AS {self.query}")
        (plan,) = json.loads(
            await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE looked_at ({arguments})")
        )
        await connection.execute("DEALLOCATE looked_at")
        await connection.execute("RESET plan_cache_mode")
        return [*steps(plan["Plan"])]


@asynccontextmanager
async def statements_of(pool: asyncpg.Pool) -> AsyncIterator[list[Statement]]:
    """Collects the statements about our tables that a pool of one connection sends."""
    sent: list[Statement] = []

    def note(record: LoggedQuery) -> None:
        if any(table in record.query for table in OURS):
            sent.append(Statement(record.query, tuple(record.args)))

    async with pool.acquire() as connection:
        connection.add_query_logger(note)
    yield sent
    async with pool.acquire() as connection:
        connection.remove_query_logger(note)


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from steps(child)


def rows_read(plan: list[dict[str, Any]], index: str) -> float:
    """Rows that the steps on this index gave or threw away."""
    touched = (
        (step["Actual Rows"] + step.get("Rows Removed by Filter", 0)) * step["Actual Loops"]
        for step in plan
        if step.get("Index Name") == index
    )
    return float(sum(touched))


def tables_scanned(plan: list[dict[str, Any]]) -> set[str]:
    """Tables that were read from end to end."""
    return {step["Relation Name"] for step in plan if step["Node Type"] == "Seq Scan" and step["Actual Loops"]}


def literal(value: Any) -> str:
    """The value as SQL text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | str):
        text = str(value).replace("9999-12-31 23:59:59.999999", "9999-12-31 23:59:59")
        return "'" + text.replace("'", "''") + "'"
    if isinstance(value, list | tuple):
        return "'{" + ",".join(str(one) for one in value) + "}'"
    return "NULL" if value is None else str(value)
