"""More than one of each: two APIs behind the deployed proxy against one, three workers against one.

On a machine of few cores it shows what a second process costs, not what more machines bring: everything shares them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sandbox.benches.feed import QUERY
from sandbox.benches.first_sync import COMPLETE
from sandbox.benches.installed import measuring
from sandbox.benches.load import Load
from sandbox.benches.measured import Measured, Say, at_least
from sandbox.benches.processor_time import processor_seconds
from sandbox.benches.served import Served, loaded, served
from sandbox.benches.war_sql import FIRST_PILOT, VIEWERS
from sandbox.caddy import CADDY, caddy
from sandbox.installation import eventually
from sandbox.process import RunningPart, free_port

CONNECTIONS = 32
SECONDS = 5.0
ROUNDS = 3
PILOTS = 16
FIRST_KILLMAILS = 500
"""Of the first pilot; the others have what the sandbox gives them."""
WORKERS = 3
NO_SLOWER = 0.9
"""Times one alone: what more processes may cost where they have no core of their own."""


@dataclass(frozen=True, slots=True)
class FirstSyncs:
    """Killmails stored and named, in so many seconds, for so much processor time of all workers together."""

    killmails: int
    seconds: float
    processor: float

    @property
    def per_second(self) -> float:
        return self.killmails / self.seconds


async def two_of_each(killmails: int, say: Say) -> Measured:
    """Requests a second through the proxy, and killmails a second of many first syncs at once."""
    lines, goals = [], []
    if CADDY.exists():
        async with served(killmails, say) as on:
            one, two = await _through_the_proxy(on)
        lines += [
            f"{CONNECTIONS} connections through the proxy, {name}: {it.per_second:.0f} requests/s, p95 {it.p95:.0f} ms"
            for name, it in (("one API", one), ("two", two))
        ]
        ratio = two.per_second / one.per_second
        goals.append(at_least("two APIs behind the proxy", ratio, NO_SLOWER, "times the requests of one"))
    else:
        lines.append("The proxy is left out: Caddy is not installed beside Python")
    alone, together = await _first_syncs(1), await _first_syncs(WORKERS)
    lines.append(
        f"{PILOTS} first syncs at once, {alone.killmails} killmails: one worker {alone.per_second:.0f} killmails/s for"
        f" {1000 * alone.processor / alone.killmails:.1f} ms of processor each; {WORKERS} workers"
        f" {together.per_second:.0f} killmails/s for {1000 * together.processor / together.killmails:.1f} ms"
    )
    ratio = together.per_second / alone.per_second
    goals.append(at_least(f"{WORKERS} workers", ratio, NO_SLOWER, "times the killmails of one"))
    return Measured(lines, [], goals)


async def _through_the_proxy(on: Served) -> tuple[Load, Load]:
    """The best of some rounds of one API and of two, in turn, so that a slow minute meets both."""
    asks = [on.graphql(QUERY, viewer, id=str(FIRST_PILOT + viewer)) for viewer in range(VIEWERS)]
    ports = [on.site.port, await on.another()]
    proxies = []
    for behind in (ports[:1], ports):
        port = free_port()
        proxy = await RunningPart.start(caddy(f"http://127.0.0.1:{port}", behind, on.directory))
        on.stack.push_async_callback(proxy.stop)
        proxies.append(port)
        await loaded(port, asks, 4, 2.0)
    best: dict[int, Load] = {}
    for _ in range(ROUNDS):
        for port in proxies:
            measured = await loaded(port, asks, CONNECTIONS, SECONDS)
            if port not in best or measured.per_second > best[port].per_second:
                best[port] = measured
    return best[proxies[0]], best[proxies[1]]


async def _first_syncs(workers: int) -> FirstSyncs:
    """Pilots log in while no worker runs; then so many are started."""
    async with measuring(pilots=PILOTS, first_killmails=FIRST_KILLMAILS, window_seconds=1) as on:
        await on.installation.running.pop().stop()
        pilots = await on.json("/_sandbox/pilots")
        for pilot in pilots:
            await on.log_in(int(pilot["character_id"]))
        started = time.perf_counter()
        running = [await on.installation.start_worker() for _ in range(workers)]

        async def are_complete() -> bool:
            return int(await on.database.fetchval(COMPLETE)) == len(pilots)

        await eventually(are_complete, "the first syncs to be complete", seconds=300)
        seconds = time.perf_counter() - started
        processor = processor_seconds([one.process.pid for one in running])
        stored = int(await on.database.fetchval("SELECT count(*) FROM killmails"))
    return FirstSyncs(stored, seconds, processor)
