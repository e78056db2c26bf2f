"""What one look costs when a list has nothing new, which nearly all looks find: processor time of each service."""

from __future__ import annotations

import asyncio

from sandbox.benches.installed import Measuring, measuring
from sandbox.benches.measured import Measured
from sandbox.benches.processor_time import processor_seconds
from sandbox.installation import eventually

PILOTS = 50
INTERVAL_SECONDS = 10
SECONDS = 60
LIST = "/characters/{character_id}/killmails/recent"


async def looks() -> Measured:
    """Measure pilots who are looked at every ten seconds, once their first syncs are over."""
    settings = {
        "SYNC_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
        # All log in from one address.
        "GRAPHQL_ANONYMOUS_REQUESTS_PER_MINUTE": "100000",
        "GRAPHQL_ANONYMOUS_COST_PER_MINUTE": "100000000",
    }
    async with measuring(settings, window_seconds=60, list_cache_seconds=1, pilots=PILOTS) as on:
        for pilot in await on.json("/_sandbox/pilots"):
            await on.log_in(int(pilot["character_id"]))
        are_well = "SELECT bool_and(sync_state = 'ok') AND count(*) = $1 FROM users"
        await eventually(lambda: on.database.fetchval(are_well, PILOTS), "the first syncs", seconds=300)
        processes = {**on.services, "worker": on.installation.running[-1].process.pid}
        begun, before = await _looks(on), {name: processor_seconds([pid]) for name, pid in processes.items()}
        await asyncio.sleep(SECONDS)
        count = await _looks(on) - begun
        spent = {name: processor_seconds([pid]) - before[name] for name, pid in processes.items()}
    each = {name: 1000 * spent[name] / count for name in ("worker", "Temporal", "Postgres", "Valkey")}
    told = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in each.items())
    lines = [
        f"{count} looks of {PILOTS} pilots in {SECONDS} s; milliseconds of processor time for each: {told};"
        f" together {sum(each.values()):.1f}"
    ]
    return Measured(lines, [] if count else ["nobody looked"])


async def _looks(on: Measuring) -> int:
    return sum(request["route"] == LIST for request in await on.json("/_sandbox/requests"))
