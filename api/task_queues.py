"""Temporal's own figures for our task queues."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import temporalio.client
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse

from api.sync_requests import TEMPORAL_IS_AWAY
from contracts.task_queues import TASK_QUEUES

PATIENCE_SECONDS = 3.0
TASK_QUEUE_TYPES = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)


class TemporalDoesNotAnswer(Exception):
    """Temporal cannot be asked now. One sentence."""


@dataclass(frozen=True, slots=True)
class TaskQueueFigures:
    """A task queue: tasks waiting, as Temporal estimates it, and processes polling it."""

    name: str
    backlog: int
    pollers: int


async def task_queue_figures(client: temporalio.client.Client) -> list[TaskQueueFigures]:
    """Every queue of ours.

    Raises:
        TemporalDoesNotAnswer
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return list(await asyncio.gather(*(_figures(client, name) for name in TASK_QUEUES)))
    except TEMPORAL_IS_AWAY as error:
        raise TemporalDoesNotAnswer("Temporal does not answer at the moment.") from error


async def _figures(client: temporalio.client.Client, name: str) -> TaskQueueFigures:
    # One task queue is two inside: workflow tasks and activity tasks.
    parts = await asyncio.gather(*(_describe(client, name, kind) for kind in TASK_QUEUE_TYPES))
    # A worker polls both with one identity.
    pollers = {poller.identity for part in parts for poller in part.pollers}
    return TaskQueueFigures(name, sum(part.stats.approximate_backlog_count for part in parts), len(pollers))


async def _describe(
    client: temporalio.client.Client, name: str, kind: TaskQueueType.ValueType
) -> DescribeTaskQueueResponse:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind, report_stats=True
    )
    return await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=PATIENCE_SECONDS))
