"""Every bench by its name, and the run of some of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, TypeAlias

from sandbox.benches.deep_page import deep_page
from sandbox.benches.feed import feed
from sandbox.benches.first_sync import first_sync
from sandbox.benches.growth import growth
from sandbox.benches.heavy_reads import heavy_reads
from sandbox.benches.measured import Bench, LongBench, Measured, PilotBench, Say, WarBench
from sandbox.benches.migrations import migrations
from sandbox.benches.pages import pages
from sandbox.benches.pilots import pilots as many_pilots
from sandbox.benches.rebirth import rebirth
from sandbox.benches.shared_budget import shared_budget
from sandbox.benches.storing import storing
from sandbox.benches.subscribers import subscribers

AnyBench: TypeAlias = Bench | WarBench | PilotBench | LongBench

BENCHES: Mapping[str, AnyBench] = {
    "first-sync": Bench("a first sync against the same bodies fetched one after another", "half a minute", first_sync),
    "shared-budget": Bench("a corporation and twenty pilots against the ideal", "eight minutes", shared_budget),
    "feed": WarBench("the feed query against its floor and PostGraphile 5", "four minutes", feed),
    "deep-page": WarBench("page 1 of a list against its page 10,000", "half a minute", deep_page),
    "heavy-reads": WarBench("the heaviest reads against their floors", "half a minute", heavy_reads),
    "growth": WarBench("the same reads of ten and a hundred times as much", "two minutes", growth),
    "storing": WarBench("the one write path against other ways to write", "two minutes", storing),
    "migrations": WarBench("the newest migrations while somebody stores killmails", "half a minute", migrations),
    "subscribers": WarBench("a killmail on its way to a thousand subscribers", "a minute", subscribers),
    "pages": WarBench("the site's pages against the same data over GraphQL", "a minute", pages),
    "rebirth": PilotBench("all workflows running again after Temporal lost its data", "ten minutes", rebirth),
    "pilots": LongBench("looks a second, and what each costs every process", "three minutes", many_pilots),
}


def run(names: Collection[str], killmails: int, pilots: int, seconds: float, say: Say) -> list[str]:
    """Measure these, or all when none is named; returns what does not hold.

    Args:
        killmails: how many there are in the database of the benches that read one.
        pilots: how many the benches have that count them.
        seconds: how long the bench measures that may be told.

    Raises:
        KeyError: there is no bench of that name.
    """
    broken: list[str] = []
    for name in names or BENCHES:
        bench = BENCHES[name]
        say(f"{name}: {bench.claims} (about {bench.lasts})")
        measured = asyncio.run(_measuring(bench, killmails, pilots, seconds, say))
        for line in measured.lines:
            say(f"  {line}")
        broken += [f"{name}: {what}" for what in measured.broken]
    return broken


def _measuring(bench: AnyBench, killmails: int, pilots: int, seconds: float, say: Say) -> Coroutine[Any, Any, Measured]:
    if isinstance(bench, WarBench):
        return bench.measure(killmails, say)
    if isinstance(bench, LongBench):
        return bench.measure(seconds)
    return bench.measure(pilots) if isinstance(bench, PilotBench) else bench.measure()
