"""A first sync, from the end of the login to every killmail stored and named, against one body after another.

It begins when the worker works: until 28 November 2026 the second that its process takes to start was a part of it.
"""

from __future__ import annotations

import time

from sandbox.benches.installed import measuring
from sandbox.benches.measured import Measured, at_least, at_most
from sandbox.installation import eventually

ESI_LATENCY_SECONDS = 0.1
TIMES_ONE_BY_ONE = 5.0
COMPLETE = """
SELECT count(*) FROM users WHERE sync_state = 'ok' AND NOT EXISTS (
  SELECT FROM participants p LEFT JOIN entities e ON e.entity_id = p.character_id
  WHERE p.character_id IS NOT NULL AND e.entity_id IS NULL)
"""


async def first_sync() -> Measured:
    """Measure the first sync of the sandbox's first pilot at ESI's real limits."""
    async with measuring(latency_seconds=ESI_LATENCY_SECONDS) as on:
        pilots = await on.json("/_sandbox/pilots")
        await eventually(lambda: on.database.fetchval("SELECT count(*) FROM market_prices"), "the worker", seconds=60)
        await on.log_in(int(pilots[0]["character_id"]))
        started = time.perf_counter()
        await eventually(lambda: on.database.fetchval(COMPLETE), "the first sync to be complete", seconds=120)
        seconds = time.perf_counter() - started
        requests = await on.json("/_sandbox/requests")
        refs = await on.database.fetch("SELECT killmail_id, killmail_hash FROM killmail_refs")
        started = time.perf_counter()
        for ref in refs:
            await on.json(f"/killmails/{ref['killmail_id']}/{ref['killmail_hash']}")
        one_by_one = time.perf_counter() - started
    refused = sum(400 <= request["status"] < 500 for request in requests)
    line = (
        f"first sync of {len(refs)} killmails at {ESI_LATENCY_SECONDS * 1000:.0f} ms of ESI latency:"
        f" {seconds:.2f} s, login to stored and named; the same bodies fetched one after another:"
        f" {one_by_one:.2f} s; {one_by_one / seconds:.1f} times as fast; 4XX answers: {refused}"
    )
    goals = [
        at_least("login to stored and named", one_by_one / seconds, TIMES_ONE_BY_ONE, "times as fast as one by one"),
        at_most("what EVE refuses", refused, 0, "answers 4XX"),
    ]
    return Measured([line], [], goals)
