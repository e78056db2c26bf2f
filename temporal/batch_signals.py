"""One signal for every sync, as a batch of Temporal's. Not for workflow code."""

from __future__ import annotations

import uuid

from temporalio.api.batch.v1 import BatchOperationSignal
from temporalio.api.common.v1 import Payloads
from temporalio.api.workflowservice.v1 import StartBatchOperationRequest
from temporalio.client import Client

from contracts.sync import Request

RUNNING = 'WorkflowType="UserSync" AND ExecutionStatus="Running"'
"""The pilots' syncs."""
WITH_CORPORATIONS = 'WorkflowType IN ("UserSync", "CorporationSync") AND ExecutionStatus="Running"'
BATCH_PER_SECOND = 20.0
"""Soft in the server; the brake on ESI is its budget, not this."""


async def start_signal_for_all(client: Client, signal: str, reason: str, which: str = RUNNING) -> str | None:
    """Begin to signal every running sync of `which`; the batch goes on by itself.

    Returns:
        The job's id, which `temporal batch describe --job-id` takes; None when no sync runs.

    Raises:
        temporalio.service.RPCError: Temporal cannot be reached or refuses.
    """
    if not (await client.count_workflows(which)).count:
        return None
    job_id = f"killreport-{signal}-{uuid.uuid4().hex[:12]}"
    payloads = Payloads(payloads=await client.data_converter.encode([Request(reason)]))
    await client.workflow_service.start_batch_operation(
        StartBatchOperationRequest(
            namespace=client.namespace,
            visibility_query=which,
            job_id=job_id,
            reason=reason or f"killreport: {signal} for all",
            max_operations_per_second=BATCH_PER_SECOND,
            signal_operation=BatchOperationSignal(signal=signal, input=payloads, identity=client.identity),
        )
    )
    return job_id
