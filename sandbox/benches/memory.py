"""Whether a worker and an API stay as large as they are: a day of looks and a stream of requests, in a few minutes.

Each pilot makes the 96 looks of a day and more, as fast as a machine of two cores does them, and new runs of the
workflow between them; tokens are renewed as often as ever, and a look in a hundred finds a killmail. Meanwhile the API
is asked for the feed, over GraphQL and as a page, on connections that stay open.

The pilots come one after the other over a day before, which is not measured: each look leaves some 4 kB in Temporal's
SDK until the run ends with its 96th look, so pilots who all came at once would grow together for a day, and shrink
together.

A day of 20,000 pilots is two million looks, which take two cores half a day, however time is skipped: each is real
work of Temporal, Postgres and the worker. So there are fewer pilots, each of the two days takes about `--seconds`, and
what the memory grew by is told for each thousand looks and requests, too.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
from temporalio.client import Client

from contracts.sync import LOOKS_PER_RUN
from db.accounts.sessions import start_session
from sandbox.benches.feed import QUERY
from sandbox.benches.installed import Measuring, measuring
from sandbox.benches.known_pilots import let_live, make_news
from sandbox.benches.load import Ask
from sandbox.benches.measured import Measured, at_most
from sandbox.benches.served import COOKIE, loaded
from sandbox.process import free_port

HOURS = 24
"""Readings; the first is the one that the others are held against."""
LOOKS_PER_SECOND = 20.0
NEWS = 0.01
CONNECTIONS = 2
WATCH_SECONDS = 0.5
SHOWN = 50
"""Pilots who look at their own killmails, and have some."""
GROWTH = 1.05
DAY = 0.9
"""Of the time that is asked for, so that both days and the start are ten minutes by default."""
LOOK_SECONDS = 0.2
"""How long a look takes, beside the interval."""
ESI_SECONDS = 0.02
TOKEN_MARGIN_SECONDS = 60
TOKEN_INTERVALS = 1.75
API, WORKER = "killreport api", "killreport worker"


@dataclass(frozen=True)
class Reading:
    """The most bytes that a process held in an hour, by its name, until so many looks and requests."""

    looks: int
    requests: int
    held: Mapping[str, int]


async def memory(seconds: float) -> Measured:
    """Resident memory of both: the most in each hour of the day, against the first."""
    day = DAY * seconds
    interval = max(int(day / LOOKS_PER_RUN - LOOK_SECONDS), 1)
    pilots = max(round(LOOKS_PER_SECOND * (interval + LOOK_SECONDS)), SHOWN)
    settings = {
        "SYNC_INTERVAL_SECONDS": str(interval),
        "METRICS_PORT": str(free_port()),
        "SSO_CALLS_AT_ONCE": "12",
        # The limits are asked and counted as ever, but never reached.
        "GRAPHQL_REQUESTS_PER_MINUTE": "1000000000",
        "GRAPHQL_COST_PER_MINUTE": "1000000000000",
    }
    async with measuring(
        settings,
        pilots=pilots,
        history=False,
        latency_seconds=ESI_SECONDS,
        window_seconds=interval,
        list_cache_seconds=interval / 3,
        access_token_seconds=TOKEN_MARGIN_SECONDS + round(TOKEN_INTERVALS * interval),
    ) as on:
        client = await Client.connect(on.installation.environment["TEMPORAL_ADDRESS"])
        shown = [pilot["character_id"] for pilot in (await on.json("/_sandbox/pilots"))[:SHOWN]]
        for character_id in shown:
            await on.tell("/_sandbox/killmails", character_id=character_id, count=1)
        begins = datetime.now(UTC) + timedelta(seconds=10)
        await let_live(on, client, pilots, interval, begins, over_seconds=day)
        making_news = asyncio.create_task(make_news(on, LOOKS_PER_SECOND * NEWS))
        await asyncio.sleep(max((begins - datetime.now(UTC)).total_seconds() + day, 0))
        readings = await _day(on, shown, day)
        making_news.cancel()
    return judged(pilots, readings)


async def _day(on: Measuring, shown: Sequence[int], seconds: float) -> list[Reading]:
    asks, readings, requests = await _asks(on, shown), [], 0
    for _ in range(HOURS):
        largest: Counter[str] = Counter()
        watching = asyncio.create_task(_watch(on, largest))
        one = await loaded(on.installation.port, asks, CONNECTIONS, seconds / HOURS)
        watching.cancel()
        requests += one.answers
        readings.append(Reading(await _looks(on), requests, largest))
    return readings


async def _watch(on: Measuring, largest: Counter[str]) -> None:
    """Note the most that each holds: it rises and falls with every garbage collection."""
    while True:
        for name in (WORKER, API):
            largest[name] = max(largest[name], _held(on.processes[name]))
        await asyncio.sleep(WATCH_SECONDS)


async def _asks(on: Measuring, shown: Sequence[int]) -> list[Ask]:
    """Each of the pilots asks for their feed, over GraphQL and as the site's page."""
    asks = []
    async with asyncpg.create_pool(on.installation.environment["DATABASE_URL"], min_size=1, max_size=1) as pool:
        for character_id in shown:
            account_id = await pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", character_id)
            headers = {"Cookie": f"{COOKIE}={await start_session(pool, account_id)}"}
            body = orjson.dumps({"query": QUERY, "variables": {"id": str(character_id)}}).decode()
            asks += [Ask("/graphql", body, headers), Ask("/", "", headers)]
    return asks


async def _looks(on: Measuring) -> int:
    return round(sum(one.value for one in await on.counted("killreport_look_lateness_seconds_count", of="pilot")))


def _held(process: int) -> int:
    """Resident bytes (man proc_pid_statm)."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def judged(pilots: int, readings: Sequence[Reading]) -> Measured:
    """What the readings come to."""
    first, last = readings[0], readings[-1]
    lines = [
        f"{pilots} pilots, {last.looks - first.looks:,} looks from the first hour to the last,"
        f" {(last.looks - first.looks) / pilots:.0f} of each; {last.requests:,} requests; load average"
        f" {os.getloadavg()[0]:.1f}",
    ]
    goals = []
    for name, done, of in (
        (WORKER, last.looks - first.looks, "looks"),
        (API, last.requests - first.requests, "requests"),
    ):
        held = [reading.held[name] for reading in readings]
        grown = (held[-1] - held[0]) / max(done, 1) * 1000
        lines.append(f"{name}, MB at most in each hour: {', '.join(f'{one / 1e6:.0f}' for one in held)}")
        lines.append(f"{name} grew by {grown / 1e3:.1f} kB for each thousand {of}")
        goals.append(at_most(f"{name} at its largest", max(held) / held[0], GROWTH, "times as in the first hour"))
    return Measured(lines, [], goals)
