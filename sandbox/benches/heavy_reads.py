"""The heavy reads, each against a floor: one statement's JSON through bare Starlette (`floor.py`)."""

from __future__ import annotations

import orjson

from sandbox.benches.feed import ATTACKERS, KILLMAIL
from sandbox.benches.load import Ask
from sandbox.benches.measured import Measured, Say
from sandbox.benches.served import answer, loaded, served
from sandbox.benches.war_sql import BUSIEST_CORPORATION, crowded

CROWDED = f"query Crowded($id: ID!) {{ killmail(id: $id) {{ {KILLMAIL} {ATTACKERS} }} }}"
STATISTICS = """
query Busiest($id: ID!) {
  corporation(id: $id) {
    statistics {
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
            "statistics of the busiest corporation (the floor only counts and adds up its killmails)": (
                [on.graphql(STATISTICS, viewer, id=str(BUSIEST_CORPORATION))],
                [_floor("/totals", BUSIEST_CORPORATION)],
            ),
            "search (the floor finds prefixes of names alone)": (
                [on.graphql(SEARCH, viewer, name=prefix) for prefix in PREFIXES],
                [_floor("/prefix", prefix) for prefix in PREFIXES],
            ),
        }
        lines, broken = [], []
        for name, (ours, theirs) in reads.items():
            if errors := (await answer(on.site.port, ours[0])).get("errors"):
                lines.append(f"{name}: refused: {errors[0]['message']}")
                broken.append(f"{name.partition(' (')[0]}: {errors[0]['message']}")
                continue
            one, other = await loaded(on.site.port, ours, 1, SECONDS), await loaded(floor, theirs, 1, SECONDS)
            lines.append(
                f"{name}: p50 {one.p50:.1f} ms, p95 {one.p95:.1f} ms; floor p50 {other.p50:.1f} ms,"
                f" p95 {other.p95:.1f} ms; p95 is {one.p95 / other.p95:.2f} of the floor's"
            )
    return Measured(lines, broken)


def _floor(path: str, asked: object) -> Ask:
    return Ask(path, orjson.dumps({"id": asked}).decode(), {})
