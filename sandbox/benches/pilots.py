"""How many pilots a machine carries: looks a second, how late they are, and what each costs every process.

The pilots look more often than in real life, every minute instead of every fifteen, so that few of them make many
looks. What is counted in intervals keeps its proportion: how long ESI's cache holds a list, the window of its buckets.
What a late look meets keeps its seconds as far as it can. In real life an access token is good for a second look that
is at most four minutes late; scaled, that would be 20 s (5 s where looks came every 15 s, as until 29 November 2026),
and whoever once fell behind would renew a token at every look, and so stay behind. Here it is 42 s, the most with
which every second look still renews, as in real life. Half of the pilots begin an interval later, so that each
interval has as many renewals as the next.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from sandbox.benches.installed import WORKER, Measuring, measuring
from sandbox.benches.known_pilots import let_live, make_news
from sandbox.benches.look_floor import floor
from sandbox.benches.measured import Measured, at_least, at_most
from sandbox.benches.processor_time import processor_seconds
from sandbox.installation import eventually
from sandbox.process import free_port

AIM = 70.0
"""Looks a second: 63,000 pilots who are looked at every 15 minutes."""
SSO_CALLS_AT_ONCE = 20
"""35 tokens a second are renewed at the aim, 0.25 s each, and on a full machine more; the setting says what speaks
against so many."""
TEMPORAL_AIM, WORKER_AIM = 14.0, 10.0
"""Milliseconds of processor time that a look may cost these two."""
LATE_SECONDS = 60.0
"""How late one look in a hundred may be."""
CARRIED = 0.95
"""Of the looks that are offered: a pilot who is looked at late is offered the next look later, too."""
INTERVAL_SECONDS = 60
TOKEN_INTERVALS = 1.75
"""For so long an access token is used: the look after its renewal may be 0.7 intervals late, the next one renews."""
STARTS_PER_SECOND = 28
"""Pilots begin to live so fast at least; until then nobody looks."""
REAL_INTERVAL_SECONDS = 900
WARM_INTERVALS = 4.5
NEWS = 0.01
"""Of the looks find a new killmail."""
TOKEN_MARGIN_SECONDS = 60
"""An access token that ends sooner is renewed, whatever the interval."""
ESI_SECONDS, SSO_SECONDS = 0.1, 0.25
FLOOR_SECONDS, FLOOR_INTERVAL_SECONDS = 20.0, 15
TEMPORAL = "Temporal"
LISTS = "/characters/{character_id}/killmails/recent"


@dataclass(frozen=True)
class Moment:
    """What has been spent and counted until then."""

    at: float
    seconds: Mapping[str, float]
    """Of the processor, by process."""
    lateness: Mapping[float, float]
    """Looks that were at most so late."""
    refreshes: float
    found: float


async def pilots(seconds: float) -> Measured:
    """Offer `AIM` looks a second for so long."""
    return await offered(AIM, seconds)


async def offered(rate: float, seconds: float) -> Measured:
    """Offer so many looks a second for so long, to an installation that has the machine for itself."""
    async with universe_of(rate, INTERVAL_SECONDS) as (on, client):
        least = await _floor(on, client, round(rate * FLOOR_INTERVAL_SECONDS))
        before, after = await observed(on, client, rate, INTERVAL_SECONDS, seconds)
    return judged(rate, least, before, after)


@asynccontextmanager
async def universe_of(rate: float, interval_seconds: int) -> AsyncIterator[tuple[Measuring, Client]]:
    """An installation, and an EVE of as many pilots as make so many looks a second at this interval."""
    async with measuring(
        {
            "SYNC_INTERVAL_SECONDS": str(interval_seconds),
            "METRICS_PORT": str(free_port()),
            "SSO_CALLS_AT_ONCE": str(SSO_CALLS_AT_ONCE),
        },
        pilots=round(rate * interval_seconds),
        history=False,
        latency_seconds=ESI_SECONDS,
        window_seconds=interval_seconds,
        list_cache_seconds=interval_seconds / 3,
        access_token_seconds=TOKEN_MARGIN_SECONDS + round(TOKEN_INTERVALS * interval_seconds),
    ) as on:
        await on.tell("/_sandbox/faults", kind="latency", route="/v2/oauth/token", seconds=SSO_SECONDS - ESI_SECONDS)
        yield on, await Client.connect(on.installation.environment["TEMPORAL_ADDRESS"])


async def observed(
    on: Measuring, client: Client, rate: float, interval_seconds: int, seconds: float
) -> tuple[Moment, Moment]:
    """Have them live, and look on for so long once all is as it stays."""
    count = round(rate * interval_seconds)
    # The first looks find lists without an ETag, half of them in the second interval; what came late meanwhile is made
    # up for in the next two.
    begins = datetime.now(UTC) + timedelta(seconds=max(10, count / STARTS_PER_SECOND))
    await let_live(on, client, count, interval_seconds, begins, once_known=on.restart_worker)
    warm = (begins - datetime.now(UTC)).total_seconds() + WARM_INTERVALS * interval_seconds
    await asyncio.sleep(max(warm, 0))
    before = await _moment(on)
    making_news = asyncio.create_task(make_news(on, rate * NEWS))
    await asyncio.sleep(seconds)
    after = await _moment(on)
    making_news.cancel()
    return before, after


async def _floor(on: Measuring, client: Client, count: int) -> tuple[float, float]:
    """Milliseconds of Temporal and worker for a look that does nothing."""
    address = on.installation.environment["TEMPORAL_ADDRESS"]
    async with floor(client, address, count, FLOOR_INTERVAL_SECONDS) as worker:
        # Each has looked once, and looks go on evenly.
        query = 'WorkflowType="Floor" AND ExecutionStatus="Running"'

        async def all_run() -> bool:
            return (await client.count_workflows(query)).count == count

        await eventually(all_run, "the floor's workflows")
        await asyncio.sleep(FLOOR_INTERVAL_SECONDS * 1.5)
        roots = {TEMPORAL: on.processes[TEMPORAL], WORKER: worker}
        before = {name: processor_seconds([root]) for name, root in roots.items()}
        await asyncio.sleep(FLOOR_SECONDS)
        spent = {name: processor_seconds([root]) - before[name] for name, root in roots.items()}
        looks = count * FLOOR_SECONDS / (FLOOR_INTERVAL_SECONDS + ESI_SECONDS)
    return spent[TEMPORAL] / looks * 1000, spent[WORKER] / looks * 1000


async def _moment(on: Measuring) -> Moment:
    lateness: defaultdict[float, float] = defaultdict(float)
    for one in await on.counted("killreport_look_lateness_seconds_bucket", of="pilot"):
        lateness[float(one.labels["le"])] += one.value
    refreshes = await on.counted("killreport_sso_refreshes_total", outcome="renewed")
    found = await on.counted("killreport_killmails_found_total", of="pilot")
    return Moment(
        time.monotonic(),
        {name: processor_seconds([process]) for name, process in on.processes.items()},
        lateness,
        sum(one.value for one in refreshes),
        sum(one.value for one in found),
    )


def judged(rate: float, least: tuple[float, float], before: Moment, after: Moment) -> Measured:
    """What came of `rate` looks a second. `least`: milliseconds of Temporal and a worker for one that does nothing."""
    late = {bound: after.lateness[bound] - before.lateness[bound] for bound in after.lateness}
    looks, seconds = late[math.inf], after.at - before.at
    if not looks:
        return Measured([], ["nobody was looked at"])
    cost = {name: (after.seconds[name] - before.seconds[name]) / looks * 1000 for name in after.seconds}
    p50, p99 = (min(bound for bound, count in late.items() if count >= looks * part) for part in (0.5, 0.99))
    carried, refreshed = looks / seconds, (after.refreshes - before.refreshes) / looks
    news = (after.found - before.found) / looks
    both = cost[TEMPORAL] + cost[WORKER]
    lines = [
        f"{carried:.1f} looks/s of {rate:.0f} offered, for {seconds:.0f} s:"
        f" {carried * REAL_INTERVAL_SECONDS:,.0f} pilots at {REAL_INTERVAL_SECONDS} s;"
        f" half of them at most {p50:g} s late, 99 of 100 at most {p99:g} s",
        f"{refreshed:.0%} renewed an access token, {news:.1%} found a killmail;"
        f" {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}",
        "processor ms a look: " + ", ".join(f"{name} {spent:.1f}" for name, spent in cost.items()),
        f"a timer and a local activity, no more: Temporal {least[0]:.1f}, its worker {least[1]:.1f};"
        f" a look is {cost[TEMPORAL] / least[0]:.1f} and {cost[WORKER] / least[1]:.1f} times as much,"
        f" together {both:.1f} ms against {sum(least):.1f}",
    ]
    goals = [
        at_least("looks carried", carried, CARRIED * rate, "a second"),
        at_most("lateness of 99 looks of 100", p99, LATE_SECONDS, "s"),
        at_most("a look costs Temporal", cost[TEMPORAL], TEMPORAL_AIM, "ms"),
        at_most("a look costs the worker", cost[WORKER], WORKER_AIM, "ms"),
    ]
    return Measured(lines, [], goals)
