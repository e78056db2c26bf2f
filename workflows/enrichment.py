"""`Enrichment`: details of what killmails mention, asked for when nothing more urgent needs ESI."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts.activities import DETAILS, ActivityPolicy
from contracts.universe import Described, EnrichmentReport

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after

PRIORITY = Priority(priority_key=5, fairness_key="enrichment")
FAILURES_IN_A_ROW = 6
"""Of one kind; then it is put off to whoever starts `Enrichment` next. What is wanted stays on record."""
PAUSE = timedelta(minutes=2)
"""After the first failure that does not say how long; twice as long after each further one."""


@workflow.defn(name="Enrichment")
class Enrichment:
    """Id `enrichment`, queue `sync`. Ends when nothing is wanted any more."""

    def __init__(self) -> None:
        self._wanted = True
        self._report = EnrichmentReport()

    @workflow.signal(description="There is something new to ask for.")
    def wanted(self) -> None:
        self._wanted = True

    @workflow.run
    async def run(self) -> EnrichmentReport:
        while self._wanted:
            self._wanted = False
            await asyncio.gather(*(self._describe(kind) for kind in DETAILS))
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new()
        return self._report

    async def _describe(self, kind: ActivityPolicy[None, Described]) -> None:
        activity, failures = kind.name, 0
        while not workflow.info().is_continue_as_new_suggested():
            try:
                described = await call(kind, None, PRIORITY)
            except ActivityError as error:
                failure = failure_of(error)
                failures += 1
                if failures == FAILURES_IN_A_ROW:
                    workflow.logger.warning("%s is put off: %s", activity, failure.type)
                    self._report.put_off.append(activity)
                    return
                await sleep_after(failure, PAUSE * 2 ** (failures - 1))
                continue
            failures = 0
            for counts, count in ((self._report.told, described.told), (self._report.unknown, described.unknown)):
                counts[activity] = counts.get(activity, 0) + count
            workflow.set_current_details(", ".join(f"{name}: {told:,}" for name, told in self._report.told.items()))
            if not described.more:
                return
