"""The one way a workflow asks for an activity."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError  # noqa: A004 - the SDK's own

from contracts.activity_policy import ActivityPolicy, Answers, Takes

IN_THIS_TASK = timedelta(seconds=7)
"""A workflow task lasts 10 s; who needs longer has it prolonged again and again, which costs more than an activity."""


async def call(policy: ActivityPolicy[Takes, Answers], request: Takes, priority: Priority) -> Answers:
    """Have the activity done as its policy says.

    Raises:
        ActivityError: it failed too often or for good; `failure_of` says why.
    """
    answer: Answers = await workflow.execute_activity(
        policy.name,
        args=[] if request is None else [request],
        result_type=policy.answers,
        task_queue=policy.queue,
        start_to_close_timeout=policy.start_to_close,
        schedule_to_close_timeout=policy.schedule_to_close,
        heartbeat_timeout=policy.heartbeat_timeout,
        retry_policy=policy.retries,
        priority=priority,
        summary=policy.summary_of(request),
    )
    return answer


async def call_in_this_task(policy: ActivityPolicy[Takes, Answers], request: Takes) -> Answers:
    """Have the activity done once, by the worker that has the workflow's task, as a part of that task.

    For what is over soon and hardly ever fails: it costs Temporal no task of its own, only a line in the history. Who
    is told of a failure asks again with `call`, unless the failure says that this would change nothing.

    Raises:
        ActivityError: it failed, or was not over `IN_THIS_TASK`.
    """
    try:
        answer: Answers = await workflow.execute_local_activity(
            policy.name,
            args=[] if request is None else [request],
            result_type=policy.answers,
            schedule_to_close_timeout=IN_THIS_TASK,
            retry_policy=RetryPolicy(maximum_attempts=1),
            summary=policy.summary_of(request),
        )
    except (ApplicationError, TimeoutError) as error:  # the SDK hands on what the activity raised, as it is
        raise ActivityError(
            "It failed within the workflow's task.",
            scheduled_event_id=0,
            started_event_id=0,
            identity="",
            activity_type=policy.name,
            activity_id="",
            retry_state=None,
        ) from error
    return answer
