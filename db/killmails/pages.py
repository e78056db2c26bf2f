"""Which killmails are on a page: the cheapest walk is chosen, walked until the page is full, and counted when asked.

A viewer may be on a million killmails and a system may have seen a million, so neither can always lead. Before a
filtered page each walk is counted, up to `PROBED` index entries; the shortest one leads and the other conditions are
asked of what it meets. Of those that are longer the rarest leads, whose entries reach back furthest: it meets the
others soonest. What is left is a viewer and a condition that are both common and hardly ever meet: there the
statement's time limit is the last guard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg

from db.killmails.conditions import Conditions, Parameters, Path, Walk
from db.killmails.filter import Eyes, KillmailFilter

PROBED = 5_000
"""Index entries; counting them takes a millisecond."""
COUNTED = 10_000
"""Killmails at most that `count_killmails` counts."""
_BEFORE_ALL = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)

Connection = asyncpg.pool.PoolConnectionProxy
MakePage = Callable[[Parameters], str]
"""Gives the CTE `page` with the ids of the page's killmails, its values bound."""


@dataclass(frozen=True, slots=True)
class Start:
    """A walk and how many index entries it has, counted to `PROBED`.

    `back_to`: the time of the oldest of those counted, in seconds since 1970.
    """

    walk: Walk
    entries: int
    back_to: float = 0

    @property
    def is_short(self) -> bool:
        """Everything it meets may be looked at."""
        return self.entries < PROBED


async def best_start(
    connection: Connection, seen_by: Eyes, chosen: KillmailFilter, *, count_one: bool = False
) -> Start:
    """The walk that leads: the shortest, and of long ones the rarest.

    One statement, or none when there is but one way and `count_one` is false.
    """
    conditions = Conditions(seen_by, chosen)
    walks = [*conditions.walks()]
    if len(walks) == 1 and not count_one:
        return Start(walks[0], PROBED)
    parameters = Parameters()
    probes = ", ".join(f"({_probe(conditions, walk, parameters)})" for walk in walks)
    row = await connection.fetchrow(f"SELECT {probes}", *parameters.values)
    assert row is not None  # noqa: S101 - counts always have a row
    starts = [Start(walk, int(entries), back_to or 0) for walk, (entries, back_to) in zip(walks, row, strict=True)]
    return min(starts, key=lambda one: (one.entries, one.back_to))


def page_by_time(
    seen_by: Eyes, chosen: KillmailFilter, walk: Walk, limit: int, before: tuple[datetime, int] | None
) -> MakePage:
    """The newest killmails, or those that come after `before` (time and id)."""

    def make(parameters: Parameters) -> str:
        found = _newest(Conditions(seen_by, chosen), walk, limit, before or _BEFORE_ALL, parameters)
        return f"WITH page AS ({found})"

    return make


def page_by_value(
    seen_by: Eyes, chosen: KillmailFilter, start: Start, limit: int, before: tuple[Decimal, int] | None
) -> MakePage:
    """The most valuable killmails, or those that come after `before` (ISK and id); those without a value are left out.

    Few killmails are gathered and sorted; of many, the index by value is walked until enough of them were met.
    """

    def make(parameters: Parameters) -> str:
        conditions = Conditions(seen_by, chosen)
        order = "ORDER BY total_value DESC, killmail_id DESC LIMIT"
        valued = "{row}.total_value IS NOT NULL"
        if before is not None:
            value, killmail_id = parameters.bind(before[0], "numeric"), parameters.bind(before[1], "bigint")
            valued += f" AND ({{row}}.total_value, {{row}}.killmail_id) < ({value}, {killmail_id})"
        if not start.is_short:
            asked = " AND ".join([valued.format(row="here"), *conditions.of_row(None, "killmails", parameters)])
            return (
                "WITH page AS (SELECT here.killmail_id, here.total_value FROM killmails AS here"
                f" WHERE {asked} {order} {limit:d})"
            )
        return (
            f"WITH gathered AS MATERIALIZED ({gathered(seen_by, chosen, start.walk, parameters)}),"
            " page AS (SELECT gathered.killmail_id, valued.total_value FROM gathered CROSS JOIN LATERAL"
            " (SELECT killmails.total_value FROM killmails WHERE killmails.killmail_id = gathered.killmail_id"
            f" AND {valued.format(row='killmails')} OFFSET 0) AS valued"
            f" {order} {limit:d})"
        )

    return make


def gathered(seen_by: Eyes, chosen: KillmailFilter, walk: Walk, parameters: Parameters) -> str:
    """SELECT of the ids of all chosen killmails, in no order."""
    conditions = Conditions(seen_by, chosen)
    met = " UNION ALL ".join(
        f"(SELECT here.killmail_id FROM {path.table} AS here"
        f" WHERE {_all([*path.of_any(parameters), *conditions.of_row(walk, path.table, parameters)])})"
        for path in walk.paths
    )
    return f"SELECT DISTINCT killmail_id FROM ({met}) AS met"


def page_of_ids(seen_by: Eyes, chosen: KillmailFilter, ids: list[int]) -> MakePage:
    """Those of these killmails that are seen and chosen."""

    def make(parameters: Parameters) -> str:
        wanted = parameters.bind(ids, "bigint[]")
        asked = " AND ".join(Conditions(seen_by, chosen).of_row(None, "killmails", parameters))
        return (
            "WITH page AS (SELECT here.killmail_id FROM killmails AS here"
            f" WHERE here.killmail_id = ANY({wanted}) AND {asked})"
        )

    return make


async def count_killmails(connection: Connection, seen_by: Eyes, chosen: KillmailFilter) -> int:
    """How many killmails are chosen, or `COUNTED` + 1 when there are more. Two statements at most."""
    start = await best_start(connection, seen_by, chosen)
    parameters = Parameters()
    found = _newest(Conditions(seen_by, chosen), start.walk, COUNTED + 1, None, parameters)
    count: int = await connection.fetchval(f"SELECT count(*) FROM ({found}) AS found", *parameters.values)
    return count


def _newest(
    conditions: Conditions, walk: Walk, limit: int, before: tuple[datetime, int] | None, parameters: Parameters
) -> str:
    """For each id of a path one walk that ends after a page, then the walks are merged.

    DISTINCT inside: who is on one killmail several times must not shorten the page. The limit is part of the text: by
    a parameter the planner would expect a tenth of everything.
    """
    after = "true"
    if before is not None:
        time, killmail_id = parameters.bind(before[0], "timestamptz"), parameters.bind(before[1], "bigint")
        after = f"(here.killmail_time, here.killmail_id) < ({time}, {killmail_id})"

    def met(path: Path) -> str:
        asked = _all([*path.of_one(), after, *conditions.of_row(walk, path.table, parameters)])
        return (
            f"(SELECT met.killmail_time, met.killmail_id FROM {path.starts(parameters)} CROSS JOIN LATERAL"
            " (SELECT DISTINCT ON (here.killmail_time, here.killmail_id) here.killmail_time, here.killmail_id"
            f" FROM {path.table} AS here WHERE {asked}"
            f" ORDER BY here.killmail_time DESC, here.killmail_id DESC LIMIT {limit:d}) AS met)"
        )

    return (
        f"SELECT DISTINCT killmail_time, killmail_id FROM ({' UNION ALL '.join(map(met, walk.paths))}) AS met"
        f" ORDER BY killmail_time DESC, killmail_id DESC LIMIT {limit:d}"
    )


def _probe(conditions: Conditions, walk: Walk, parameters: Parameters) -> str:
    """SELECT of how many entries there are, and the time of the oldest of those counted."""
    entries = " UNION ALL ".join(
        f"(SELECT met.killmail_time FROM {path.starts(parameters)} CROSS JOIN LATERAL"
        f" (SELECT here.killmail_time FROM {path.table} AS here"
        f" WHERE {_all([*path.of_one(), *conditions.times(parameters)])}"
        f" ORDER BY here.killmail_time DESC, here.killmail_id DESC LIMIT {PROBED}) AS met LIMIT {PROBED})"
        for path in walk.paths
    )
    return f"SELECT ARRAY[count(*), extract(epoch FROM min(killmail_time))]::double precision[] FROM ({entries}) AS met"


def _all(conditions: list[str]) -> str:
    return " AND ".join(conditions) or "true"
