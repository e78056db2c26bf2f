"""Every bench by its name, and the run of some of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from sandbox.benches.first_sync import first_sync
from sandbox.benches.measured import Bench
from sandbox.benches.shared_budget import shared_budget

BENCHES = {
    "first-sync": Bench("a first sync against the same bodies fetched one after another", "half a minute", first_sync),
    "shared-budget": Bench("a corporation and twenty pilots against the ideal schedule", "six minutes", shared_budget),
}


def run(names: Collection[str], say: Callable[[str], None]) -> list[str]:
    """Measure these, or all when none is named; returns what does not hold.

    Raises:
        KeyError: there is no bench of that name.
    """
    broken: list[str] = []
    for name in names or BENCHES:
        bench = BENCHES[name]
        say(f"{name}: {bench.claims} (about {bench.lasts})")
        measured = asyncio.run(bench.measure())
        for line in measured.lines:
            say(f"  {line}")
        broken += [f"{name}: {what}" for what in measured.broken]
    return broken
