"""A queue's worker that Temporal sends away is made anew, the other queues go on; a worker answers for itself alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

import worker_main
from contracts.task_queues import DETAILS_QUEUE, TASK_QUEUES
from sandbox.parts import worker
from sandbox.process import PartNotReady
from settings import Settings
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


async def test_a_second_worker_is_not_taken_for_the_first(
    settings: Settings, start_worker: StartWorker, tmp_path: Path
) -> None:
    second = worker(tmp_path, settings, {}, number=2)
    assert second.answers_as is not None
    await start_worker()

    async def somebody_polls() -> bool:
        try:
            await second.answers()
        except PartNotReady:
            return False
        return True

    await eventually(somebody_polls)
    await second.answers_as(os.getpid())
    with pytest.raises(PartNotReady, match="no worker polls"):
        await second.answers_as(os.getppid())
