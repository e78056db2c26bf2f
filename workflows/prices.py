"""`PriceSnapshot` and `Revaluation`: what ISK values rest on, daily; and all of them worked out again, on demand."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.values import AppraiseKillmails, PriceSnapshotReport, PricesTaken, Revalued

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after
    from workflows.new_run import continue_as_new, history_is_long

PRIORITY = Priority(priority_key=5, fairness_key="values")
PAUSE = timedelta(minutes=15)
TRIES = 24
"""Times to ask for the day's prices, over about six hours; the next day brings the next run."""


@workflow.defn(name="PriceSnapshot")
class PriceSnapshot:
    """Takes the day's prices, and values what had no value or only that of an earlier day."""

    @workflow.run
    async def run(self) -> PriceSnapshotReport:
        prices = await self._prices()
        report = PriceSnapshotReport(prices)
        request = AppraiseKillmails()
        while True:
            appraised = await call(activities.APPRAISE_KILLMAILS, request, PRIORITY)
            report.revalued += appraised.changed
            if appraised.done:
                break
            request.after_killmail_id = appraised.after_killmail_id
        taken = f"{prices.listed:,} prices, {prices.changed:,} changed" if prices.taken else "The day had its prices"
        workflow.set_current_details(f"{taken}; {report.revalued:,} killmails valued.")
        return report

    async def _prices(self) -> PricesTaken:
        for _ in range(TRIES - 1):
            try:
                return await call(activities.TAKE_PRICE_SNAPSHOT, None, PRIORITY)
            except ActivityError as error:
                failure = failure_of(error)
                workflow.logger.warning("The day's prices must wait: %s", failure.type)
                await sleep_after(failure, PAUSE)
        return await call(activities.TAKE_PRICE_SNAPSHOT, None, PRIORITY)


@workflow.defn(name="Revaluation")
class Revaluation:
    """Values and classifies every killmail again, by id. A run that is interrupted goes on where it was."""

    def __init__(self) -> None:
        self._revalued = Revalued()

    @workflow.run
    async def run(self, revalued: Revalued) -> Revalued:
        self._revalued = revalued
        while True:
            request = AppraiseKillmails(revalued.after_killmail_id, everything=True, since=revalued.since)
            appraised = await call(activities.APPRAISE_KILLMAILS, request, PRIORITY)
            revalued.looked_at += appraised.looked_at
            revalued.changed += appraised.changed
            revalued.after_killmail_id = appraised.after_killmail_id
            workflow.set_current_details(f"{revalued.looked_at:,} killmails looked at, {revalued.changed:,} changed.")
            if appraised.done:
                return revalued
            if history_is_long():
                continue_as_new(revalued)

    @workflow.query
    def progress(self) -> Revalued:
        """How far it is."""
        return self._revalued
