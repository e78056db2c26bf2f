"""Whether the parts of an installation answer; `killreport up` waits for it."""

from __future__ import annotations

from datetime import datetime

import temporalio.client

from contracts.task_queues import TASK_QUEUES
from operations.status import queue_state


async def queues_without_worker(client: temporalio.client.Client, since: datetime) -> list[str]:
    """The task queues no worker has asked for work since then (UTC).

    Raises:
        temporalio.service.RPCError: Temporal refused.
    """
    states = [await queue_state(client, queue, seen_since=since) for queue in TASK_QUEUES]
    return [state.queue for state in states if not state.pollers]
