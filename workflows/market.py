"""`MarketHistory`: killmails older than our own prices get what The Forge paid on their day."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.values import AppraiseKillmails, MarketHistoryReport, MarketRead

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after
    from workflows.new_run import continue_as_new, history_is_long

PRIORITY = Priority(priority_key=5, fairness_key="values")
PAUSE = timedelta(minutes=10)
TRIES = 6
"""Within about an hour; the next hour brings the next run."""


@workflow.defn(name="MarketHistory")
class MarketHistory:
    """Every hour: the days that killmails wait for, a month at a time, newest first. Most hours there is none."""

    @workflow.run
    async def run(self, report: MarketHistoryReport | None = None) -> MarketHistoryReport:
        report = report or MarketHistoryReport()
        while True:
            month = await self._read()
            report.read += month.read
            report.missing += month.missing
            report.refused += month.refused
            report.revalued += await self._revalue()
            workflow.set_current_details(
                f"{report.read:,} days of the market read, {report.missing:,} missing, {report.refused:,} refused;"
                f" {report.revalued:,} killmails valued at the prices of their day."
            )
            if not month.days:
                return report
            if history_is_long():
                continue_as_new(report)

    async def _read(self) -> MarketRead:
        for _ in range(TRIES - 1):
            try:
                return await call(activities.READ_MARKET_MONTH, None, PRIORITY)
            except ActivityError as error:
                failure = failure_of(error)
                workflow.logger.warning("The market's days must wait: %s", failure.type)
                await sleep_after(failure, PAUSE)
        return await call(activities.READ_MARKET_MONTH, None, PRIORITY)

    async def _revalue(self) -> int:
        request, changed = AppraiseKillmails(then=True), 0
        while True:
            appraised = await call(activities.APPRAISE_KILLMAILS, request, PRIORITY)
            changed += appraised.changed
            if appraised.done:
                return changed
            request.after_killmail_id = appraised.after_killmail_id
