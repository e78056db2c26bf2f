"""Temporal's data is gone and Postgres knows so many pilots: how long until all their workflows run again, and what ESI
is asked meanwhile.

A few hundred of the pilots are known to EVE, too, and look at it, each at its own moment within an interval. They are
evenly among the others (until 1 December 2026 most of them came last), who are paused: a workflow does all that it does
when it is restored, and then waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from temporalio.client import Client
from temporalio.service import RPCError

from eve.esi.routes import CHARACTER_KILLMAILS
from sandbox.benches.installed import Measuring, measuring
from sandbox.benches.known_pilots import log_in_long_ago
from sandbox.benches.measured import Measured, at_least, at_most
from sandbox.benches.processor_time import processor_seconds
from sandbox.installation import eventually
from sandbox.process import free_port
from temporal.schedules import trigger_watchdog

INTERVAL_SECONDS = 900
AIM = 20_000
"""Pilots who all run again within an interval."""
KNOWN_TO_EVE = 300
SHARE_OF_A_MINUTE = 2.0
"""How many times its share of the looks the busiest minute may have. So few looks are never quite even."""
BEFORE_PER_SECOND = 500 / 300
"""Until 28 November 2026 the watchdog started 500 in five minutes."""
RUNNING = 'WorkflowType="UserSync" AND ExecutionStatus="Running"'
KNOWN = """
WITH account AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)
INSERT INTO users (character_id, account_id, name, owner_hash, scopes, refresh_token, token_state, sync_state,
                   first_synced_at, last_killmail_sync_at)
SELECT n, account_id, 'Pilot ' || n, 'owner', '{}', '\\x00', 'valid', 'paused', now(), now()
  FROM account, unnest($1::bigint[]) n
"""


@dataclass(frozen=True)
class Reborn:
    """Seconds and processor seconds until all run; the looks of each minute since; what ESI refused for its limits."""

    seconds: float
    processor: float
    looks: list[int]
    limited: float


async def rebirth(pilots: int) -> Measured:
    """Measure so many pilots on a whole installation with one worker."""
    known = min(KNOWN_TO_EVE, pilots // 10)
    async with measuring({"METRICS_PORT": str(free_port())}, pilots=known, history=False) as on:
        client = await Client.connect(on.installation.environment["TEMPORAL_ADDRESS"])
        found = await _reborn(on, client, pilots, known)
    rate = pilots / found.seconds
    needed, cores = AIM / rate, os.cpu_count() or 1
    with_nothing_else = AIM * found.processor / pilots / cores
    # Whoever is looked at comes within an interval, and a look takes a moment: the last minute is not a whole one.
    busiest = max(found.looks) * len(found.looks) / max(sum(found.looks), 1)
    lines = [
        f"{pilots:,} pilots, all running again after {found.seconds:.0f} s: {rate:.1f} starts/s with their first tasks;"
        f" {rate / BEFORE_PER_SECOND:.0f} times as fast as 500 in five minutes",
        f"{AIM:,} pilots need {needed:.0f} s at that rate: {needed / INTERVAL_SECONDS:.2f} of an interval"
        f" (before: {AIM / BEFORE_PER_SECOND / INTERVAL_SECONDS:.1f}); load average {os.getloadavg()[0]:.1f}",
        f"processor: {found.processor / pilots * 1000:.0f} ms for each, of Temporal, worker and all else;"
        f" on {cores} cores with nothing else {AIM:,} need {with_nothing_else:.0f} s",
        f"ESI asked for {sum(found.looks)} lists of {known} pilots, by minute: {', '.join(map(str, found.looks))}",
    ]
    return Measured(
        lines,
        [],
        [
            at_most(f"{AIM:,} pilots run again", needed / INTERVAL_SECONDS, 1, "of an interval"),
            at_most("the same by processor time", with_nothing_else / INTERVAL_SECONDS, 1, "of an interval"),
            at_least("pilots whose list was asked for again", sum(found.looks), known, "of those EVE knows"),
            at_most("the busiest minute for ESI", busiest, SHARE_OF_A_MINUTE, "times its share"),
            at_most("buckets overdrawn", found.limited, 0, "answers 420 or 429"),
        ],
    )


async def _reborn(on: Measuring, client: Client, pilots: int, known: int) -> Reborn:
    async def is_quiet() -> bool:
        return not (await client.count_workflows('WorkflowType="Watchdog" AND ExecutionStatus="Running"')).count

    async def is_over() -> bool:
        ended = 'WorkflowType="Watchdog" AND ExecutionStatus="Completed"'
        return (await client.count_workflows(ended)).count > 0 and await is_quiet()

    await eventually(is_over, "the watchdog's first run, which finds nobody")
    await on.database.execute(KNOWN, _ids_among(await log_in_long_ago(on, known), pilots - known))
    spent, began = processor_seconds([os.getpid()]), time.monotonic()
    await trigger_watchdog(client)
    asked: list[int] = []
    watching = asyncio.create_task(_looks(on, known, asked))
    paused = f'{RUNNING} AND SyncState="paused"'
    while await _count(client, paused) < pilots - known or await _count(client, RUNNING) < pilots:
        if time.monotonic() - began > pilots / BEFORE_PER_SECOND:
            watching.cancel()
            raise TimeoutError(f"Not all of {pilots:,} ran as soon as they did before.")
        await asyncio.sleep(1)
    seconds, processor = time.monotonic() - began, processor_seconds([os.getpid()]) - spent
    with contextlib.suppress(TimeoutError):  # then the goal says how many it was
        await asyncio.wait_for(watching, INTERVAL_SECONDS + 120)
    answers = await _answers(on)
    limited = sum(answers.get(status, 0) for status in ("420", "429"))
    return Reborn(seconds, processor, asked, limited)


def _ids_among(known: list[int], count: int) -> list[int]:
    """So many others, as many after each of the known ones: all are started in the order of their ids."""
    taken, last = {*known}, 0
    others: list[int] = []
    for number, one in enumerate(sorted(known), 1):
        last = max(last, one)
        while len(others) < count * number // len(known):
            last += 1
            if last not in taken:
                others.append(last)
    return others


async def _count(client: Client, query: str) -> int:
    """So many, as far as a Temporal that has its hands full can say."""
    try:
        return (await client.count_workflows(query)).count
    except RPCError:
        return 0


async def _looks(on: Measuring, known: int, asked: list[int]) -> None:
    """Note how many lists ESI was asked for in each minute, until everybody's was."""
    while sum(asked) < known:
        await asyncio.sleep(60)
        asked.append(round(sum((await _answers(on)).values())) - sum(asked))


async def _answers(on: Measuring) -> Mapping[str, float]:
    """ESI's answers when it was asked for a pilot's list, by status."""
    answers = await on.counted("killreport_esi_answers_total", route=CHARACTER_KILLMAILS.template)
    return {one.labels["status"]: one.value for one in answers}
