"""The heavy reads, each against a floor: one statement's JSON through bare Starlette.

Of statistics the floor only counts a corporation's killmails and adds them up; KillReport reads its sums
([decision 38](decisions/0038-sums-for-who-may-see-all.md)). Processor time is that of the server and Postgres.
"""

from __future__ import annotations

from datetime import timedelta

import orjson

from sandbox.benches.feed import ATTACKERS, KILLMAIL
from sandbox.benches.load import Ask
from sandbox.benches.measured import Measured, Say, at_most
from sandbox.benches.served import FLOOR, KILLREPORT, Served, answer, served
from sandbox.benches.war_sql import BUSIEST_CORPORATION, crowded

CROWDED = f"query Crowded($id: ID!) {{ killmail(id: $id) {{ {KILLMAIL} {ATTACKERS} }} }}"
STATISTICS = """
query Busiest($id: ID!, $since: DateTime) {
  corporation(id: $id) {
    statistics(since: $since) {
      kills losses iskDestroyed iskLost efficiency soloShare
      topShips { ship { name } killmails } topSystems { solarSystem { name } killmails }
      topVictims { character { name } isk } topPilots { character { name } killmails }
      activity { weekday hour kills } daily { day kills iskDestroyed }
    }
  }
}
"""
SEARCH = "query Search($name: String!) { search(name: $name) { __typename } }"
PREFIXES = ("ada", "bryn", "Company of C", "Make 1", "pact", "Orla D", "faye 0")
SECONDS = 4.0
STATISTICS_MS = 50.0
DAYS = (90, 365)


async def heavy_reads(killmails: int, say: Say) -> Measured:
    """The killmail with 3,000 attackers, statistics of the busiest corporation, and search."""
    async with served(killmails, say) as on:
        viewer = 0  # a director of the busiest corporation, and the victim of the crowded killmail
        floor = await on.floor()
        reads = {
            "a killmail of 3,000 attackers (the floor looks each name up, KillReport knows them)": (
                [on.graphql(CROWDED, viewer, id=str(crowded(killmails)))],
                [_floor("/killmail", crowded(killmails))],
            ),
            **{
                f"statistics of the busiest corporation, {told} (the floor counts and adds up all its killmails)": (
                    [on.graphql(STATISTICS, viewer, id=str(BUSIEST_CORPORATION), since=since)],
                    [_floor("/totals", BUSIEST_CORPORATION)],
                )
                for told, since in (await _periods(on)).items()
            },
            "search (the floor finds prefixes of names alone)": (
                [on.graphql(SEARCH, viewer, name=prefix) for prefix in PREFIXES],
                [_floor("/prefix", prefix) for prefix in PREFIXES],
            ),
        }
        lines, broken, goals = [], [], []
        for name, (ours, theirs) in reads.items():
            if errors := (await answer(on.site.port, ours[0])).get("errors"):
                lines.append(f"{name}: refused: {errors[0]['message']}")
                broken.append(f"{name.partition(' (')[0]}: {errors[0]['message']}")
                continue
            one, cost = await on.costed(KILLREPORT, on.site.port, ours, 1, SECONDS)
            other, of_floor = await on.costed(FLOOR, floor, theirs, 1, SECONDS)
            lines.append(
                f"{name}: p50 {one.p50:.1f} ms, p95 {one.p95:.1f} ms, {cost:.1f} ms of processor; floor p50"
                f" {other.p50:.1f} ms, p95 {other.p95:.1f} ms, {of_floor:.1f} ms of processor; p95 is"
                f" {one.p95 / other.p95:.2f} of the floor's"
            )
            what = f"p95 of {name.partition(' (')[0]}"
            if theirs[0].path == "/totals":
                goals.append(at_most(what, one.p95, STATISTICS_MS, "ms"))
            else:
                goals.append(at_most(what, one.p95 / other.p95, 1.0, "times the floor"))
    return Measured(lines, broken, goals)


async def _periods(on: Served) -> dict[str, str | None]:
    last = await on.pool.fetchval("SELECT max(killmail_time) FROM killmails")
    return {
        "all time": None,
        **{f"{days} days": (last - timedelta(days=days)).strftime("%Y-%m-%dT%H:00:00Z") for days in DAYS},
    }


def _floor(path: str, asked: object) -> Ask:
    return Ask(path, orjson.dumps({"id": asked}).decode(), {})
