"""`Departure`: a character left or its account was deleted; its sync is ended and its grant given back to EVE.

Started when the data is deleted, and by the watchdog where that start was lost.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.call_classes import PRIORITY_OF, CallClass, character_priority
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
        priority = character_priority(leaving.character_id, PRIORITY_OF[CallClass.LIVE])
        for _ in range(DAYS * 24):
            try:
                await call(activities.FINISH_DEPARTURE, leaving, priority)
            except ActivityError as error:
                failure = failure_of(error)
                workflow.set_current_details(f"Trying again in an hour: {failure.type}.")
                await workflow.sleep(PAUSE, summary=f"retry after {failure.type}")
            else:
                return
