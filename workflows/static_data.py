"""`StaticDataFollow`: CCP's static data is looked at daily."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.static_data import StaticDataLook, look_sentence

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after

PRIORITY = Priority(priority_key=5, fairness_key="static-data")
PAUSE = timedelta(minutes=30)
TRIES = 6
"""Within some three hours; the next day brings the next run."""


@workflow.defn(name="StaticDataFollow")
class StaticDataFollow:
    """Every day after downtime: the newest build, if it has anything new that we keep."""

    @workflow.run
    async def run(self) -> StaticDataLook:
        look = await self._look()
        workflow.set_current_details(look_sentence(look))
        return look

    async def _look(self) -> StaticDataLook:
        for _ in range(TRIES - 1):
            try:
                return await call(activities.LOOK_FOR_STATIC_DATA, None, PRIORITY)
            except ActivityError as error:
                failure = failure_of(error)
                workflow.logger.warning("The static data must wait: %s", failure.type)
                await sleep_after(failure, PAUSE)
        return await call(activities.LOOK_FOR_STATIC_DATA, None, PRIORITY)
