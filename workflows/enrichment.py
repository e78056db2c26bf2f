"""`Enrichment`: details of what killmails mention, and names that nobody could have when they came, asked for when
nothing more urgent needs ESI.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts.activities import DETAILS, NAME_MISSED
from contracts.activity_policy import ActivityPolicy
from contracts.universe import Described, EnrichmentReport

with workflow.unsafe.imports_passed_through():
    from workflows import patches
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after
    from workflows.new_run import continue_as_new, history_is_long

PRIORITY = Priority(priority_key=5, fairness_key="enrichment")
FAILURES_IN_A_ROW = 6
"""Of one kind; then it is put off to whoever starts `Enrichment` next. What is wanted stays on record."""
PAUSE = timedelta(minutes=2)
"""After the first failure that does not say how long; twice as long after each further one."""


@workflow.defn(name="Enrichment")
class Enrichment:
    """Id `enrichment`, queue `sync`. Ends when nothing is wanted any more."""

    def __init__(self) -> None:
        self._asked = 1
        self._busy: set[str] = set()
        self._report = EnrichmentReport()

    @workflow.signal(description="There is something new to ask for.")
    def wanted(self) -> None:
        self._asked += 1

    @workflow.run
    async def run(self) -> EnrichmentReport:
        if patches.kinds_do_not_wait_for_each_other():
            kinds = (*DETAILS, NAME_MISSED) if patches.names_are_made_up_for() else DETAILS
            await asyncio.gather(*(self._keep_up(kind) for kind in kinds))
        else:
            seen = 0
            while seen != self._asked and not self._run_is_long():
                seen = self._asked
                await asyncio.gather(*(self._describe(kind) for kind in DETAILS))
        if self._run_is_long():
            continue_as_new()
        return self._report

    async def _keep_up(self, kind: ActivityPolicy[None, Described]) -> None:
        """Describe what is wanted of a kind, again when more is wanted, until no kind has anything to do."""
        seen = 0
        while seen != self._asked and not self._run_is_long():
            seen = self._asked
            self._busy.add(kind.name)
            await self._describe(kind)
            self._busy.remove(kind.name)
            await workflow.wait_condition(lambda seen=seen: seen != self._asked or not self._busy)  # type: ignore[misc]

    async def _describe(self, kind: ActivityPolicy[None, Described]) -> None:
        activity, failures = kind.name, 0
        while not self._run_is_long():
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

    def _run_is_long(self) -> bool:
        return history_is_long()
