"""Temporal's data is gone and Postgres knows so many pilots: how long until all their workflows run again."""

from __future__ import annotations

import asyncio
import os
import time

from temporalio.client import Client

from sandbox.benches.installed import Measuring, measuring
from sandbox.benches.measured import Measured, at_most
from sandbox.benches.processor_time import processor_seconds
from sandbox.installation import eventually
from temporal.schedules import trigger_watchdog

INTERVAL_SECONDS = 900
AIM = 20_000
"""Pilots who all run again within an interval."""
BEFORE_PER_SECOND = 500 / 300
"""Until 28 November 2026 the watchdog started 500 in five minutes."""
RUNNING = 'WorkflowType="UserSync" AND ExecutionStatus="Running"'
# Paused: a workflow does all that it does when it is restored, and does not look at an EVE that knows none of them.
KNOWN = """
WITH account AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)
INSERT INTO users (character_id, account_id, name, owner_hash, scopes, refresh_token, token_state, sync_state,
                   first_synced_at, last_killmail_sync_at)
SELECT 90000000 + n, account_id, 'Pilot ' || n, 'owner', '{}', '\\x00', 'valid', 'paused', now(), now()
  FROM account, generate_series(1, $1::int) n
"""


async def rebirth(pilots: int) -> Measured:
    """Measure so many pilots on a whole installation with one worker."""
    async with measuring() as on:
        client = await Client.connect(on.installation.environment["TEMPORAL_ADDRESS"])
        seconds, processor = await _until_all_run(on, client, pilots)
    rate = pilots / seconds
    needed, cores = AIM / rate, os.cpu_count() or 1
    lines = [
        f"{pilots:,} pilots, all running again after {seconds:.0f} s: {rate:.1f} starts/s with their first tasks,"
        f" without looks; {rate / BEFORE_PER_SECOND:.0f} times as fast as 500 in five minutes",
        f"{AIM:,} pilots need {needed:.0f} s at that rate: {needed / INTERVAL_SECONDS:.2f} of an interval"
        f" (before: {AIM / BEFORE_PER_SECOND / INTERVAL_SECONDS:.1f}); load average {os.getloadavg()[0]:.1f}",
        f"processor: {processor / pilots * 1000:.0f} ms for each, of Temporal, worker and all else;"
        f" on {cores} cores with nothing else {AIM:,} need {AIM * processor / pilots / cores:.0f} s",
    ]
    return Measured(lines, [], [at_most(f"{AIM:,} pilots run again", needed / INTERVAL_SECONDS, 1, "of an interval")])


async def _until_all_run(on: Measuring, client: Client, pilots: int) -> tuple[float, float]:
    """Seconds of the clock, and of processors."""

    async def is_quiet() -> bool:
        return not (await client.count_workflows('WorkflowType="Watchdog" AND ExecutionStatus="Running"')).count

    async def is_over() -> bool:
        ended = 'WorkflowType="Watchdog" AND ExecutionStatus="Completed"'
        return (await client.count_workflows(ended)).count > 0 and await is_quiet()

    await eventually(is_over, "the watchdog's first run, which finds nobody")
    await on.database.execute(KNOWN, pilots)
    spent, began = processor_seconds([os.getpid()]), time.perf_counter()
    await trigger_watchdog(client)
    while (await client.count_workflows(f'{RUNNING} AND SyncState="paused"')).count < pilots:
        if time.perf_counter() - began > pilots / BEFORE_PER_SECOND:
            raise TimeoutError(f"Not all of {pilots:,} ran as soon as they did before.")
        await asyncio.sleep(1)
    return time.perf_counter() - began, processor_seconds([os.getpid()]) - spent
