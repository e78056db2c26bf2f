"""How every caller starts, signals and queries a workflow of ours: by its id, joining the one that runs.

`RPCError` (temporalio.service) from any of these means that Temporal cannot be reached or refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from contracts.sync import Request
from contracts.task_queues import SYNC_QUEUE
from temporal.connection import CALL_TIMEOUT

Answer = TypeVar("Answer")


class WorkflowNotRunning(Exception):
    """No such workflow runs: it was never started or has ended, or the watchdog has not restored it yet."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"No workflow {workflow_id} is running.")


async def start_or_join(
    client: Client,
    workflow: str,
    *arguments: object,
    workflow_id: str,
    signal: str | None = None,
    signal_arguments: Sequence[object] = (),
    priority: Priority = Priority.default,
    found_by: Sequence[SearchAttributePair[Any]] = (),
    memo: dict[str, int] | None = None,
    result_type: type[Answer] | None = None,
    delay: timedelta | None = None,
) -> WorkflowHandle[Any, Answer]:
    """Start a workflow; one of this id that runs already goes on as it is. Either gets the signal.

    Args:
        found_by: search attributes.
        delay: from now until its first step.
    """
    handle: WorkflowHandle[Any, Answer] = await client.start_workflow(
        workflow,
        args=arguments,
        id=workflow_id,
        task_queue=SYNC_QUEUE,
        result_type=result_type,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal=signal,
        start_signal_args=signal_arguments,
        start_delay=delay,
        priority=priority,
        memo=memo,
        search_attributes=TypedSearchAttributes(found_by) if found_by else None,
        rpc_timeout=CALL_TIMEOUT,
    )
    return handle


async def send_signal(client: Client, workflow_id: str, signal: str, request: Request) -> None:
    """Signal a workflow that runs.

    Raises:
        WorkflowNotRunning: there is nobody to hear it.
    """
    try:
        await client.get_workflow_handle(workflow_id).signal(signal, request, rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, workflow_id) from error


async def ask_status(client: Client, workflow_id: str, result_type: type[Answer]) -> Answer:
    """The answer of a workflow's `status` query; needs a running worker, not a running workflow.

    Raises:
        WorkflowNotRunning: there never was one, or Temporal has forgotten it.
    """
    handle = client.get_workflow_handle(workflow_id)
    try:
        answer: Answer = await handle.query("status", result_type=result_type, rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        raise _explained(error, workflow_id) from error
    return answer


def _explained(error: RPCError, workflow_id: str) -> Exception:
    return WorkflowNotRunning(workflow_id) if error.status == RPCStatusCode.NOT_FOUND else error
