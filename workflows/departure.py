"""`Departure`: a character left or its account was deleted; its sync is ended and its grant given back to EVE.

Started when the data is deleted, and by the watchdog where that start was lost.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.upkeep import LeavingCharacter

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of

PAUSE = timedelta(hours=1)
"""After attempts that failed: EVE's SSO is down, or does not take us for who we are."""
DAYS = 32
"""Longer than the activity takes to give up."""


@workflow.defn(name="Departure")
class DepartureWorkflow:
    """Id `departure-<character_id>`, queue `sync`."""

    @workflow.run
    async def run(self, leaving: LeavingCharacter) -> None:
        priority = Priority(priority_key=2, fairness_key=f"character-{leaving.character_id}")
        for _ in range(DAYS * 24):
            try:
                await call(activities.FINISH_DEPARTURE, leaving, priority)
            except ActivityError as error:
                workflow.set_current_details(f"Waits an hour after {failure_of(error).type}.")
                await workflow.sleep(PAUSE)
            else:
                return
