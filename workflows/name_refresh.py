"""`NameRefresh`: run by a Temporal Schedule once a day, it asks for names again that were told a month ago."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.universe import NameRefreshReport, RefreshNames

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after

PRIORITY = Priority(priority_key=5, fairness_key="name-refresh")
FAILURES = 6
"""In a row; then the rest is left to the next day's run."""
PAUSE = timedelta(minutes=5)


@workflow.defn(name="NameRefresh")
class NameRefresh:
    """Characters are renamed rarely, corporations and alliances more often; a name keeps standing meanwhile."""

    @workflow.run
    async def run(self) -> NameRefreshReport:
        report, request, failures = NameRefreshReport(), RefreshNames(), 0
        while True:
            try:
                refreshed = await call(activities.REFRESH_NAMES, request, PRIORITY)
            except ActivityError as error:
                failure = failure_of(error)
                failures += 1
                if failures == FAILURES:
                    workflow.logger.warning("Aged names wait for the next run: %s", failure.type)
                    report.complete = False
                    return report
                await sleep_after(failure, PAUSE)
                continue
            failures = 0
            report.asked += refreshed.asked
            report.changed += refreshed.changed
            report.unknown += refreshed.unknown
            workflow.set_current_details(f"{report.asked:,} names asked for again, {report.changed:,} changed.")
            if refreshed.done:
                return report
            request.after_id = refreshed.after_id
