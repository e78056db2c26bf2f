"""A workflow that fills a task queue with the activities of one of several who want something."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority

with workflow.unsafe.imports_passed_through():
    from contracts.call_classes import PRIORITY_OF, CallClass, corporation_priority
    from contracts.task_queues import KILLMAILS_QUEUE

CORPORATION, BUSY, QUIET = "the corporation", "a pilot with much", "a pilot with little"
TASKS = {CORPORATION: 30, BUSY: 50, QUIET: 5}
PRIORITIES = {
    CORPORATION: corporation_priority(98_000_001),
    BUSY: Priority(priority_key=PRIORITY_OF[CallClass.FIRST_SYNC], fairness_key="character-1"),
    QUIET: Priority(priority_key=PRIORITY_OF[CallClass.FIRST_SYNC], fairness_key="character-2"),
}


@workflow.defn(name="Crowd")
class Crowd:
    """Asks for `TASKS` activities `note`, each told whose it is."""

    @workflow.run
    async def run(self, whose: str) -> None:
        await asyncio.gather(
            *(
                workflow.execute_activity(
                    "note",
                    whose,
                    task_queue=KILLMAILS_QUEUE,
                    start_to_close_timeout=timedelta(minutes=1),
                    priority=PRIORITIES[whose],
                )
                for _ in range(TASKS[whose])
            )
        )
