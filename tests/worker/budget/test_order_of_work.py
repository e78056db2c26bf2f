"""Who goes next in a full task queue: the more urgent work, and among equals everybody in turn."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from contracts.task_queues import KILLMAILS_QUEUE
from temporal.task_queues import describe_task_queues
from tests.worker.budget.crowd import BUSY, CORPORATION, QUIET, TASKS, Crowd
from tests.workflows.waiting import eventually


async def test_the_urgent_first_and_nobody_behind_somebody_with_more(client: Client) -> None:
    order: list[str] = []

    @activity.defn
    async def note(whose: str) -> None:
        order.append(whose)

    async with Worker(client, task_queue="crowd", workflows=[Crowd]):
        handles = []
        for whose in (CORPORATION, BUSY, QUIET):  # those that may wait come first
            handle = await client.start_workflow("Crowd", whose, id=f"crowd {whose}", task_queue="crowd")
            handles.append(handle)

            async def asked(handle: WorkflowHandle[Any, Any] = handle, tasks: int = TASKS[whose]) -> bool:
                return len((await handle.describe()).raw_description.pending_activities) == tasks

            await eventually(asked)

        async def all_wait() -> bool:
            backlog = {queue.name: queue.backlog for queue in await describe_task_queues(client)}
            return backlog[KILLMAILS_QUEUE] >= sum(TASKS.values())

        await eventually(all_wait)
        async with Worker(client, task_queue=KILLMAILS_QUEUE, activities=[note], max_concurrent_activities=1):
            await asyncio.gather(*(handle.result() for handle in handles))
    places = {whose: [place for place, one in enumerate(order) if one == whose] for whose in TASKS}
    # The server keeps the order about, not exactly: its queues have partitions.
    assert median(places[CORPORATION]) > median(places[BUSY]) > median(places[QUIET])
    assert median(places[QUIET]) < TASKS[BUSY] / 2, "five tasks do not wait for fifty of somebody else's"
