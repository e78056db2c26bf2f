"""Every bench by its name, and the run of some of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from operations.failure import OperationFailed
from sandbox.benches.archive_month import archive_month
from sandbox.benches.deep_page import deep_page
from sandbox.benches.feed import feed
from sandbox.benches.first_sync import first_sync
from sandbox.benches.growth import growth
from sandbox.benches.heavy_reads import heavy_reads
from sandbox.benches.intake import intake
from sandbox.benches.measured import Bench, LongBench, Measured, PilotBench, Say, WarBench
from sandbox.benches.memory import memory
from sandbox.benches.migrations import migrations
from sandbox.benches.pages import pages
from sandbox.benches.pilots import pilots
from sandbox.benches.rebirth import rebirth
from sandbox.benches.records import Clock, Record
from sandbox.benches.shared_budget import shared_budget
from sandbox.benches.storing import storing
from sandbox.benches.subscribers import subscribers
from sandbox.benches.two_of_each import two_of_each
from sandbox.benches.two_workers import two_workers

Keep = Callable[[str, Record], None]
AnyBench: TypeAlias = Bench | WarBench | PilotBench | LongBench


@dataclass(frozen=True)
class Sizes:
    """Killmails in the database of the benches that read one, pilots and seconds of those that count them."""

    killmails: int
    pilots: int
    seconds: float


BENCHES: Mapping[str, AnyBench] = {
    "first-sync": Bench("a first sync against the same bodies fetched one after another", "half a minute", first_sync),
    "shared-budget": Bench("a corporation and twenty pilots against the ideal", "eight minutes", shared_budget),
    "feed": WarBench("the feed query against its floor and PostGraphile 5", "four minutes", feed),
    "deep-page": WarBench("page 1 of a list against its page 10,000", "half a minute", deep_page),
    "heavy-reads": WarBench("the heaviest reads against their floors", "half a minute", heavy_reads),
    "growth": WarBench("the same reads of ten and a hundred times as much", "two minutes", growth),
    "storing": WarBench("the one write path against other ways to write", "two minutes", storing),
    "intake": WarBench("a day's file of the archive until all of it is here", "two minutes", intake),
    "archive-month": Bench("a month of the archive for two hundred pilots", "two minutes", archive_month),
    "migrations": WarBench("the newest migrations while somebody stores killmails", "half a minute", migrations),
    "subscribers": WarBench("a killmail on its way to a thousand subscribers", "a minute", subscribers),
    "two-of-each": WarBench("two APIs and three workers against one of each", "two minutes", two_of_each),
    "pages": WarBench("the site's pages against the same data over GraphQL", "a minute", pages),
    "rebirth": PilotBench("all workflows running again after Temporal lost its data", "ten minutes", rebirth),
    "pilots": LongBench("looks a second, and what each costs every process", "ten minutes", pilots),
    "two-workers": LongBench("a look of two workers against a look of one", "nine minutes", two_workers),
    "memory": LongBench("what worker and API hold in memory over a day of looks", "ten minutes", memory),
}


def run(names: Collection[str], sizes: Sizes, say: Say, keep: Keep) -> list[str]:
    """Measure these, or all when none is named; returns what does not hold.

    Args:
        keep: is given each bench's record as soon as it is there.

    Raises:
        KeyError: there is no bench of that name.
    """
    missed: list[str] = []
    for name in names or BENCHES:
        bench = BENCHES[name]
        say(f"{name}: {bench.claims} (about {bench.lasts})")
        clock, size = Clock(), sizes.killmails if isinstance(bench, WarBench) else None
        try:
            measured = asyncio.run(_measuring(bench, sizes, say))
        except OperationFailed as failure:
            measured = Measured([], [str(failure)])
        for line in measured.lines:
            say(f"  {line}")
        for goal in measured.goals:
            say(f"  {goal.what}: {goal.told}, goal {goal.asked}: {'reached' if goal.is_reached else 'MISSED'}")
        keep(name, clock.record(measured, size))
        missed += [f"{name}: {what}" for what in measured.missed]
    return missed


def _measuring(bench: AnyBench, sizes: Sizes, say: Say) -> Coroutine[Any, Any, Measured]:
    if isinstance(bench, WarBench):
        return bench.measure(sizes.killmails, say)
    if isinstance(bench, LongBench):
        return bench.measure(sizes.seconds)
    return bench.measure(sizes.pilots) if isinstance(bench, PilotBench) else bench.measure()
