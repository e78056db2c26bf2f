"""The loss before or after a loss, found by index from the first minute of a database on."""

from __future__ import annotations

import json

import asyncpg
import pytest
from asyncpg.connection import LoggedQuery

from db.intake.store import store_killmails
from db.killmails.filter import Viewer
from db.killmails.related_losses import related_losses
from tests.db.bodies import Body, body, raw
from tests.db.killmails.plans import steps

ME, LOSSES = 90_000_001, 300


def loss(number: int) -> Body:
    """Ships and pods in turn, a minute apart, in one system."""
    lost = body(number, victim=ME)
    lost["victim"]["ship_type_id"] = 587 if number % 2 else 670
    return lost


@pytest.mark.new_database  # one that was used has statistics, of what others left in it
async def test_a_database_without_statistics_compares_no_loss_with_all_others(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(loss(number)) for number in range(1, LOSSES + 1)])
    sent: list[LoggedQuery] = []
    async with pool.acquire() as connection:
        connection.add_query_logger(sent.append)
        found = await related_losses(connection, range(1, LOSSES + 1), Viewer((ME,)))
        await connection.execute("SELECT")  # what was sent is told on the next turn
        (statement,) = [one for one in sent if "FROM participants" in one.query]
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.query}"
        (plan,) = json.loads(await connection.fetchval(explain, *statement.args))
    assert {number: one.killmail_id for number, one in found.items()} == {
        number: number + 1 if number % 2 else number - 1 for number in range(1, LOSSES + 1)
    }
    assert sum(step["Actual Rows"] * step["Actual Loops"] for step in steps(plan["Plan"])) < 20 * LOSSES
