"""A queue's worker that Temporal sends away is made anew; the other queues go on."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

import worker_main
from contracts.task_queues import DETAILS_QUEUE, TASK_QUEUES
from temporal.task_queues import describe_task_queues
from tests.fixtures.workers import StartWorker
from tests.workflows.waiting import eventually


async def test_a_worker_that_ends_is_made_anew(
    client: Client, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[str] = []
    works = worker_main.queue_worker

    def refused_at_first(client: Client, queue: str, *how: Any) -> Worker:
        made.append(queue)
        if made.count(queue) == 1 and queue == DETAILS_QUEUE:
            raise RuntimeError("made up")
        return works(client, queue, *how)

    monkeypatch.setattr(worker_main, "queue_worker", refused_at_first)
    await start_worker()

    async def all_are_served() -> bool:
        return {queue.name for queue in await describe_task_queues(client) if queue.pollers} == set(TASK_QUEUES)

    await eventually(all_are_served)
    assert sorted(made) == sorted([*TASK_QUEUES, DETAILS_QUEUE])
    assert f"The task worker of {DETAILS_QUEUE} failed" in caplog.text
