"""How activities and the CLI start the universe's workflows. Not for workflow code."""

from __future__ import annotations

import logging
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy
from temporalio.service import RPCError

from contracts.task_queues import SYNC_QUEUE
from contracts.universe import ENRICHMENT_ID, NAME_REFRESH_ID, NameRefreshReport

logger = logging.getLogger(__name__)

CALL_TIMEOUT = timedelta(seconds=10)


async def wake_enrichment(client: Client) -> None:
    """Start `Enrichment`, or tell the running one that there is more. Failing is no harm: the next one asks too."""
    try:
        await client.start_workflow(
            "Enrichment",
            id=ENRICHMENT_ID,
            task_queue=SYNC_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="wanted",
            priority=Priority(priority_key=5, fairness_key="enrichment"),
            rpc_timeout=CALL_TIMEOUT,
        )
    except RPCError as error:
        logger.warning("Enrichment could not be started (%s); what is wanted stays on record.", error)


async def refresh_names_now(client: Client) -> NameRefreshReport:
    """Run `NameRefresh` and wait for its end; join the run that was started this way before and still goes on.

    Raises:
        RPCError: Temporal cannot be reached or refuses.
        WorkflowFailureError: the run was cancelled or terminated.
    """
    handle = await client.start_workflow(
        "NameRefresh",
        id=f"{NAME_REFRESH_ID}-now",
        task_queue=SYNC_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        result_type=NameRefreshReport,
        rpc_timeout=CALL_TIMEOUT,
    )
    report: NameRefreshReport = await handle.result()
    return report
