"""How the API has a killmail named. Not for workflow code."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy

from contracts.call_classes import CallClass
from contracts.sync import NameEntities
from contracts.task_queues import SYNC_QUEUE
from temporal.connection import CALL_TIMEOUT


async def name_killmail(client: Client, killmail_id: int, after: timedelta) -> None:
    """Have what a killmail mentions named, `after` from now: to be ordered before it is stored, so that no crash in
    between leaves it without names.

    Raises:
        RPCError: Temporal cannot be reached or refuses.
    """
    await client.start_workflow(
        "KillmailNaming",
        NameEntities([killmail_id], CallClass.LIVE),
        id=f"killmail-naming-{killmail_id}",
        task_queue=SYNC_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_delay=after,
        priority=Priority(priority_key=1, fairness_key="naming"),
        rpc_timeout=CALL_TIMEOUT,
    )
