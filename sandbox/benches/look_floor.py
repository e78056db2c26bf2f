"""The least that a look can cost on Temporal: a timer and a local activity that waits as long as EVE takes, for ever.

python -m sandbox.benches.look_floor ADDRESS   (a worker of its own, until it is told to end)
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

QUEUE = "floor"
EVE_SECONDS = 0.1


@activity.defn
async def wait_for_eve() -> None:
    """As long as an answer takes."""
    await asyncio.sleep(EVE_SECONDS)


@workflow.defn
class Floor:
    """What a pilot's workflow would be without anything to do."""

    @workflow.run
    async def run(self, delay_seconds: float, interval_seconds: float) -> None:
        await workflow.sleep(delay_seconds)
        while True:
            await workflow.execute_local_activity(wait_for_eve, start_to_close_timeout=timedelta(seconds=10))
            await workflow.sleep(interval_seconds)


@asynccontextmanager
async def floor(client: Client, address: str, count: int, interval_seconds: float) -> AsyncIterator[int]:
    """So many of them, their looks spread over the interval, and the id of their worker's process."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "sandbox.benches.look_floor", address)
    turns = asyncio.Semaphore(50)

    async def start(number: int) -> None:
        async with turns:
            await client.start_workflow(
                Floor.run,
                args=[interval_seconds * (1 + number / count), interval_seconds],
                id=f"floor-{number}",
                task_queue=QUEUE,
            )

    try:
        await asyncio.gather(*(start(number) for number in range(count)))
        yield process.pid
        ended = (client.get_workflow_handle(f"floor-{number}").terminate() for number in range(count))
        await asyncio.gather(*ended)
    finally:
        process.terminate()
        await process.wait()


async def _serve(address: str) -> None:
    client = await Client.connect(address)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Floor],
        activities=[wait_for_eve],
        workflow_runner=SandboxedWorkflowRunner(),
        max_cached_workflows=10_000,
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
