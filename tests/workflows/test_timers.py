"""Timers of the embedded Temporal come when they are due, also where many are due in the same second."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "timers"
SLEEPERS, ROUNDS, PAUSE_SECONDS = 60, 8, 1.0
PUT_ASIDE_SECONDS = 8.0
"""A timer that Temporal puts aside comes ten seconds late at the earliest, one that a busy machine delays far sooner."""


@workflow.defn
class Sleeper:
    """Sleeps again and again; the result is how late it woke up at worst, in seconds."""

    @workflow.run
    async def run(self, first_seconds: float) -> float:
        await workflow.sleep(first_seconds)
        latest = 0.0
        for _ in range(ROUNDS):
            due = workflow.now() + timedelta(seconds=PAUSE_SECONDS)
            await workflow.sleep(PAUSE_SECONDS)
            latest = max(latest, (workflow.now() - due).total_seconds())
        return latest


async def test_no_timer_is_put_aside(temporal_client: Client) -> None:
    async def sleep(number: int) -> float:
        # Evenly over a second, so that the queue is read many times in each.
        return await temporal_client.execute_workflow(
            Sleeper.run, PAUSE_SECONDS * number / SLEEPERS, id=f"sleeper-{number}", task_queue=QUEUE
        )

    async with Worker(temporal_client, task_queue=QUEUE, workflows=[Sleeper]):
        latest = await asyncio.gather(*(sleep(number) for number in range(SLEEPERS)))
    assert max(latest) < PUT_ASIDE_SECONDS
