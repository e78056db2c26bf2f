"""Two worker processes against one, at the same number of looks a second: what the second one costs.

The aim of four cores, 1.8 times the looks with two workers, cannot be shown on two: Temporal alone takes one of them,
and what two workers would do with a core each is done here with parts of one. What can be shown is whether anything
makes them dear together: locks, the budget that they share, workflows that go from one to the other. Then a look of
two would cost more processor time than a look of one. If it costs the same, and each has its share of the looks, two
of them carry twice as much wherever each has a core.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from sandbox.benches.installed import WORKER
from sandbox.benches.measured import Measured, at_least, at_most
from sandbox.benches.pilots import TEMPORAL, observed, universe_of

RATE = 10.0
"""Looks a second, of a few hundred pilots: no process is short of anything."""
INTERVAL_SECONDS = 30
SECOND = "second killreport worker"
DEARER = 1.1
LEAST_SHARE = 0.3
"""Of the looks, for the worker that has fewer of them."""


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor a look, of all workers and of Temporal; and each worker's part of the work."""

    looks: float
    workers: float
    temporal: float
    shares: list[float]


async def two_workers(seconds: float) -> Measured:
    """Offer 10 looks a second, to one worker and then to two."""
    one, two = await _cost(1, seconds / 2), await _cost(2, seconds / 2)
    lines = [
        f"{name}: {it.looks:,.0f} looks in {seconds / 2:.0f} s, {it.workers:.1f} ms of the workers' processor for each"
        f" and {it.temporal:.1f} ms of Temporal's; by worker {', '.join(f'{share:.0%}' for share in it.shares)}"
        for name, it in (("one worker", one), ("two workers", two))
    ] + [f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"]
    return Measured(
        lines,
        [],
        [
            at_most("a look of two workers", two.workers / one.workers, DEARER, "times the processor of one worker's"),
            at_most("the same for Temporal", two.temporal / one.temporal, DEARER, "times the processor"),
            at_least("work of the less busy one", min(two.shares), LEAST_SHARE, "of all"),
        ],
    )


async def _cost(workers: int, seconds: float) -> Cost:
    async with universe_of(RATE, INTERVAL_SECONDS) as (on, client):
        names = [WORKER, SECOND][:workers]
        for name in names[1:]:
            await on.start_another_worker(name)
        before, after = await observed(on, client, RATE, INTERVAL_SECONDS, seconds)
    looks = after.lateness[math.inf] - before.lateness[math.inf]
    spent = {name: after.seconds[name] - before.seconds[name] for name in (*names, TEMPORAL)}
    of_workers = sum(spent[name] for name in names)
    shares = [spent[name] / of_workers for name in names]
    return Cost(looks, of_workers / looks * 1000, spent[TEMPORAL] / looks * 1000, shares)
