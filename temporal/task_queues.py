"""Temporal's own figures for our task queues."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import temporalio.client
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse

from contracts.task_queues import SYNC_QUEUE, TASK_QUEUES
from temporal.connection import TEMPORAL_IS_AWAY

PATIENCE_SECONDS = 3.0
_WITH_PROBLEMS = 'TemporalReportedProblems IN ("category=WorkflowTaskFailed", "category=WorkflowTaskTimedOut")'


class TemporalDoesNotAnswer(Exception):
    """Temporal cannot be asked now. One sentence."""


@dataclass(frozen=True, slots=True)
class TaskQueueFigures:
    """A task queue: tasks waiting, as Temporal estimates it, and worker processes that poll all of it.

    `oldest_seconds`: how long the one that waits longest has waited.
    """

    name: str
    backlog: int
    pollers: int
    oldest_seconds: float = 0


async def task_queue_figures(client: temporalio.client.Client) -> list[TaskQueueFigures]:
    """Every queue of ours, for somebody who waits.

    Raises:
        TemporalDoesNotAnswer
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await describe_task_queues(client)
    except TEMPORAL_IS_AWAY as error:
        raise TemporalDoesNotAnswer("Temporal is not responding at the moment.") from error


async def describe_task_queues(
    client: temporalio.client.Client, *, seen_since: datetime | None = None
) -> list[TaskQueueFigures]:
    """Every queue of ours.

    Args:
        seen_since: count only workers that asked for work after this time (UTC). The server remembers the
            others for five minutes after they have gone.

    Raises:
        temporalio.service.RPCError: Temporal does not answer, or refuses.
    """
    return list(await asyncio.gather(*(_figures(client, name, seen_since) for name in TASK_QUEUES)))


async def workflows_with_problems(client: temporalio.client.Client) -> int:
    """How many workflows have tasks that fail or time out, again and again: code must be deployed that mends it.

    Raises:
        temporalio.service.RPCError: Temporal does not answer, or refuses.
    """
    patience = timedelta(seconds=PATIENCE_SECONDS)
    return (await client.count_workflows(_WITH_PROBLEMS, rpc_timeout=patience)).count


async def queues_without_worker(client: temporalio.client.Client, since: datetime, identity: str = "") -> list[str]:
    """The task queues no worker has asked for work since then (UTC).

    Args:
        identity: only the worker of this name counts.

    Raises:
        temporalio.service.RPCError: Temporal does not answer, or refuses.
    """
    found = await asyncio.gather(*(_parts(client, name) for name in TASK_QUEUES))
    polled = [_pollers(parts, since) for parts in found]
    return [
        name
        for name, pollers in zip(TASK_QUEUES, polled, strict=True)
        if not (identity in pollers if identity else pollers)
    ]


async def workflow_tasks_waiting(client: temporalio.client.Client) -> int:
    """Tasks of workflows that no worker has taken yet, as Temporal estimates it.

    Raises:
        temporalio.service.RPCError: Temporal does not answer, or refuses.
    """
    part = await _describe(client, SYNC_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    return part.stats.approximate_backlog_count


async def _figures(client: temporalio.client.Client, name: str, seen_since: datetime | None) -> TaskQueueFigures:
    parts = await _parts(client, name)
    return TaskQueueFigures(
        name,
        sum(part.stats.approximate_backlog_count for part in parts),
        len(_pollers(parts, seen_since)),
        max(part.stats.approximate_backlog_age.ToTimedelta().total_seconds() for part in parts),
    )


async def _parts(client: temporalio.client.Client, name: str) -> list[DescribeTaskQueueResponse]:
    # One task queue is two inside: activity tasks, and workflow tasks where workflows are served from it.
    kinds = [TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY]
    if name == SYNC_QUEUE:
        kinds.append(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    return await asyncio.gather(*(_describe(client, name, kind) for kind in kinds))


def _pollers(parts: Sequence[DescribeTaskQueueResponse], seen_since: datetime | None) -> set[str]:
    """A process polls all parts with one identity; one that polls only some cannot do the work of the queue."""
    return set.intersection(*({*_identities(part, seen_since)} for part in parts))


def _identities(part: DescribeTaskQueueResponse, seen_since: datetime | None) -> Iterator[str]:
    for poller in part.pollers:
        if seen_since is None or poller.last_access_time.ToDatetime(tzinfo=UTC) >= seen_since:
            yield poller.identity


async def _describe(
    client: temporalio.client.Client, name: str, kind: TaskQueueType.ValueType
) -> DescribeTaskQueueResponse:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind, report_stats=True
    )
    return await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=PATIENCE_SECONDS))
