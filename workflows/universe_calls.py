"""The activities of the universe's workflows, by name: each with its queue, time-outs, retries and summary."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority

from contracts.task_queues import DETAILS_QUEUE
from contracts.universe import Described, RefreshedNames, RefreshNames
from workflows.calls import CLOSE, HEARTBEAT, RETRIES


async def describe(activity: str, priority: Priority) -> Described:
    answer: Described = await workflow.execute_activity(
        activity,
        result_type=Described,
        task_queue=DETAILS_QUEUE,
        start_to_close_timeout=timedelta(minutes=5),
        schedule_to_close_timeout=CLOSE * 3,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRIES,
        priority=priority,
        summary=activity.replace("_", " "),
    )
    return answer


async def refresh_names(request: RefreshNames, priority: Priority) -> RefreshedNames:
    answer: RefreshedNames = await workflow.execute_activity(
        "refresh_names",
        request,
        result_type=RefreshedNames,
        task_queue=DETAILS_QUEUE,
        start_to_close_timeout=timedelta(minutes=5),
        schedule_to_close_timeout=CLOSE * 3,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRIES,
        priority=priority,
        summary=f"ask for aged names above {request.after_id}",
    )
    return answer
