"""One signal for every sync, as a batch of Temporal's. Not for workflow code."""

from __future__ import annotations

import asyncio
import uuid

from temporalio.api.batch.v1 import BatchOperationSignal
from temporalio.api.common.v1 import Payloads
from temporalio.api.workflowservice.v1 import StartBatchOperationRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.sync import Request

RUNNING = 'WorkflowType="UserSync" AND ExecutionStatus="Running"'
"""The pilots' syncs."""
WITH_CORPORATIONS = 'WorkflowType IN ("UserSync", "CorporationSync") AND ExecutionStatus="Running"'
BATCH_PER_SECOND = 20.0
"""Soft in the server; the brake on ESI is its budget, not this."""


ASK_AGAIN_SECONDS = 0.5


class AnotherBatchRuns(Exception):
    """Temporal runs one batch of a namespace at a time (`frontend.MaxConcurrentBatchOperationPerNamespace`)."""

    def __init__(self) -> None:
        super().__init__("Temporal is still busy with the last order to everyone: try again when that is finished.")


async def start_signal_for_all(
    client: Client, signal: str, reason: str, which: str = RUNNING, *, patience_seconds: float
) -> str | None:
    """Begin to signal every running sync of `which`; the batch goes on by itself.

    Args:
        patience_seconds: how long to wait for the end of another batch.

    Returns:
        The job's id, which `temporal batch describe --job-id` takes; None when no sync runs.

    Raises:
        AnotherBatchRuns: and does not end in time.
        temporalio.service.RPCError: Temporal cannot be reached or refuses.
    """
    if not (await client.count_workflows(which)).count:
        return None
    job_id = f"killreport-{signal}-{uuid.uuid4().hex[:12]}"
    payloads = Payloads(payloads=await client.data_converter.encode([Request(reason)]))
    request = StartBatchOperationRequest(
        namespace=client.namespace,
        visibility_query=which,
        job_id=job_id,
        reason=reason or f"killreport: {signal} for all",
        max_operations_per_second=BATCH_PER_SECOND,
        signal_operation=BatchOperationSignal(signal=signal, input=payloads, identity=client.identity),
    )
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while not await _taken(client, request):
        if asyncio.get_running_loop().time() > deadline:
            raise AnotherBatchRuns
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    return job_id


async def _taken(client: Client, request: StartBatchOperationRequest) -> bool:
    """Whether Temporal has a place for the batch; then it has begun."""
    try:
        await client.workflow_service.start_batch_operation(request)
    except RPCError as error:
        if error.status is RPCStatusCode.RESOURCE_EXHAUSTED and "batch operations" in error.message:
            return False
        raise
    return True
