"""`Departure`: a character left or its account was deleted; its sync is ended and its grant given back to EVE.

Started when the data is deleted, and by the watchdog where that start was lost.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from contracts.task_queues import SYNC_QUEUE
    from contracts.upkeep import LeavingCharacter
    from workflows.failures import failure_of

RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=2),
    backoff_coefficient=2.5,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=6,
)
PAUSE = timedelta(hours=1)
"""After attempts that failed: EVE's SSO is down, or does not take us for who we are."""
DAYS = 32
"""Longer than the activity takes to give up."""


@workflow.defn(name="Departure")
class DepartureWorkflow:
    """Id `departure-<character_id>`, queue `sync`."""

    @workflow.run
    async def run(self, leaving: LeavingCharacter) -> None:
        for _ in range(DAYS * 24):
            try:
                await workflow.execute_activity(
                    "finish_departure",
                    leaving,
                    task_queue=SYNC_QUEUE,
                    start_to_close_timeout=timedelta(minutes=1),
                    schedule_to_close_timeout=timedelta(minutes=10),
                    retry_policy=RETRIES,
                    priority=Priority(priority_key=2, fairness_key=f"character-{leaving.character_id}"),
                    summary="end the sync, give the grant back to EVE",
                )
            except ActivityError as error:
                workflow.set_current_details(f"Waits an hour after {failure_of(error).type}.")
                await workflow.sleep(PAUSE)
            else:
                return
