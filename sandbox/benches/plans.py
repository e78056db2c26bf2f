"""Which indexes the planned reads walk, by Postgres' own word."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg

from db.killmails.conditions import Parameters
from db.killmails.feed import feed_page
from db.killmails.filter import KillmailFilter, Viewer, eyes
from db.killmails.rows import Wanted
from sandbox.benches.war_sql import BUSIEST_PILOT

EXPECTED = {
    "page": {"participants_character", "killmails_pkey"},
    "participants": {"participants_pkey"},
}
"""By the statements of a feed page of a pilot, with everybody on it."""


async def walked(connection: asyncpg.pool.PoolConnectionProxy, killmail_id: int) -> dict[str, set[str]]:
    """The indexes of each statement; a table that is read whole stands by its own name."""
    wanted = Wanted({"killmail_id", "killmail_time"}, {"character_id", "final_blow"}, everyone=True)
    chosen = KillmailFilter(character_id=BUSIEST_PILOT)
    seen_by = eyes(Viewer((BUSIEST_PILOT,)), chosen, "ACCOUNT")
    page, parameters = await feed_page(connection, seen_by, chosen, "TIME", 51, None), Parameters()
    statement = wanted.killmails_sql(page(parameters), "TIME")
    return {
        "page": await _walked(connection, statement, *parameters.values),
        "participants": await _walked(connection, wanted.participants_sql(), [killmail_id]),
    }


async def _walked(connection: asyncpg.pool.PoolConnectionProxy, sql: str, *values: object) -> set[str]:
    (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values))
    steps = [*_steps(plan["Plan"])]
    indexes = {step["Index Name"] for step in steps if "Index Name" in step}
    return indexes | {step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"}


def _steps(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _steps(below)
