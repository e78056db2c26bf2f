"""The embedded Temporal reads its timers many times a second, and does not take that for being stuck (decision 65)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from sandbox.process import RunningPart, free_port
from sandbox.temporal import temporal

QUEUE = "sleepers"
SLEEPERS, ROUNDS = 20, 5


@workflow.defn
class Sleeper:
    """Sleeps a second again and again."""

    @workflow.run
    async def run(self, first_seconds: float) -> None:
        await workflow.sleep(first_seconds)
        for _ in range(ROUNDS):
            await workflow.sleep(1)


async def actions_on_timers(metrics_port: int) -> dict[str, float]:
    """What the server did about its queue of timers, besides reading it, and how often."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    samples = [sample for family in families for sample in family.samples]
    assert any(sample.labels.get("operation") == "TimerActiveTaskUserTimer" for sample in samples), "they are counted"
    return {
        sample.labels["queue_action"]: sample.value
        for sample in samples
        if sample.name.startswith("queue_actions") and sample.labels["operation"] == "TimerQueueProcessor"
    }


async def test_timers_that_are_due_in_the_same_second_are_not_put_aside(tmp_path: Path) -> None:
    part, address = temporal(tmp_path, free_port(), None, durable=False)
    metrics_port = free_port()
    running = await RunningPart.start(replace(part, argv=[*part.argv, "--metrics-port", str(metrics_port)]))
    try:
        client = await Client.connect(address)
        async with Worker(client, task_queue=QUEUE, workflows=[Sleeper], workflow_runner=UnsandboxedWorkflowRunner()):
            await asyncio.gather(
                *(
                    client.execute_workflow(Sleeper.run, number / SLEEPERS, id=f"sleeper-{number}", task_queue=QUEUE)
                    for number in range(SLEEPERS)
                )
            )
        assert await actions_on_timers(metrics_port) == {}
    finally:
        running.kill()
