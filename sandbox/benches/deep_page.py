"""The first page of a list against the ten thousandth of the same list."""

from __future__ import annotations

from db.killmails.cursors import encode_cursor
from sandbox.benches.load import Load
from sandbox.benches.measured import Measured, Say, at_most
from sandbox.benches.served import Served, loaded, served
from sandbox.benches.war_sql import BUSIEST_PILOT

QUERY = """
query Page($after: String) {
  killmails(first: 10, after: $after) {
    nodes { id time victim { character { name } ship { name } } finalBlow { character { name } } value { total } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SIZE, PAGE = 10, 10_000
ROUNDS, SECONDS = 5, 1.5
MOST_TIMES = 1.2
_SKIPPED = """
SELECT killmail_time, killmail_id FROM (
    SELECT DISTINCT killmail_time, killmail_id FROM participants WHERE character_id = $1
) AS met
ORDER BY killmail_time DESC, killmail_id DESC OFFSET $2 LIMIT 1
"""


async def deep_page(killmails: int, say: Say) -> Measured:
    """By its cursor, as a client that read 9,999 pages would have it. A smaller war has fewer pages."""
    async with served(killmails, say) as on:
        page, after = await _cursor(on)
        asks = {1: on.graphql(QUERY), page: on.graphql(QUERY, after=after)}
        best: dict[int, Load] = {}
        for _ in range(ROUNDS):
            for number, ask in asks.items():
                one = await loaded(on.site.port, [ask], 1, SECONDS)
                if number not in best or one.p50 < best[number].p50:
                    best[number] = one
    times = best[page].p50 / best[1].p50
    line = (
        f"page 1: p50 {best[1].p50:.2f} ms, p95 {best[1].p95:.2f} ms; page {page:,}: p50 {best[page].p50:.2f} ms,"
        f" p95 {best[page].p95:.2f} ms; {times:.2f} times as long"
    )
    return Measured([line], [], [at_most(f"p50 of page {page:,}", times, MOST_TIMES, "times page 1")])


async def _cursor(on: Served) -> tuple[int, str]:
    count = await on.pool.fetchval(
        "SELECT count(DISTINCT killmail_id) FROM participants WHERE character_id = $1", BUSIEST_PILOT
    )
    page = min(PAGE, count // SIZE)
    row = await on.pool.fetchrow(_SKIPPED, BUSIEST_PILOT, (page - 1) * SIZE - 1)
    assert row is not None  # noqa: S101 - there are so many
    return page, encode_cursor(row["killmail_time"], row["killmail_id"])
