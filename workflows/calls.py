"""The one way a workflow asks for an activity."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import Priority

from contracts.activities import ActivityPolicy, Answers, Takes


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
