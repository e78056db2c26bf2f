"""`ArchiveDay`, `ArchiveFollow` and `ArchiveHistory`: what the public archive has of our pilots, a day at a time."""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ChildWorkflowError, WorkflowAlreadyStartedError

from contracts import activities
from contracts.archive import (
    LOOK_BACK_DAYS,
    ChooseHistoryDays,
    DayOutcome,
    DayReport,
    FollowReport,
    HistoryRun,
    ReadArchiveDay,
    archive_day_id,
    day_sentence,
)
from contracts.call_classes import PRIORITY_OF, CallClass

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after
    from workflows.new_run import continue_as_new, history_is_long

PRIORITY = Priority(priority_key=PRIORITY_OF[CallClass.IMPORT], fairness_key="archive")
PAUSE = timedelta(minutes=10)
TRIES = 6
"""Within about an hour; then whoever wants the day asks again later."""
AGAIN = timedelta(minutes=1)
HISTORY_PAUSE, HISTORY_TRIES = timedelta(hours=1), 48
"""An archive that is away for two days has lost the day for this pass."""
LONG_HISTORY = 2_000
"""Events: some three hundred days."""


@workflow.defn(name="ArchiveDay")
class ArchiveDay:
    """Id `archive-<date>`: one look at a day, however often the archive or we break off on the way."""

    @workflow.run
    async def run(self, day: str) -> DayReport:
        request = ReadArchiveDay(day, workflow.info().start_time)
        for _ in range(TRIES - 1):
            try:
                return await self._read(request)
            except ActivityError as error:
                failure = failure_of(error)
                workflow.logger.warning("The archive's day must wait: %s", failure.type)
                await sleep_after(failure, PAUSE)
        return await self._read(request)

    async def _read(self, request: ReadArchiveDay) -> DayReport:
        report = await call(activities.READ_ARCHIVE_DAY, request, PRIORITY)
        workflow.set_current_details(day_sentence(report))
        return report


@workflow.defn(name="ArchiveFollow")
class ArchiveFollow:
    """Every day: yesterday, and whether the days before it were written anew."""

    @workflow.run
    async def run(self) -> FollowReport:
        report, yesterday = FollowReport(), workflow.now().date() - timedelta(days=1)
        for back in range(LOOK_BACK_DAYS + 1):
            try:
                day = await self._look_at(yesterday - timedelta(days=back))
            except WorkflowAlreadyStartedError:
                continue  # somebody else has it read just now
            except ChildWorkflowError as error:
                workflow.logger.warning("The archive's days wait for the next run: %s", error)
                report.complete = False
                break
            report.days[day.outcome] = report.days.get(day.outcome, 0) + 1
            report.new += day.new
            report.refused += sum(day.refused.values())
            workflow.set_current_details(f"{sum(report.days.values())} days looked at, {report.new:,} new killmails.")
            if day.outcome in (DayOutcome.OFF, DayOutcome.NOBODY):
                break
        return report

    async def _look_at(self, day: date) -> DayReport:
        report: DayReport = await workflow.execute_child_workflow(
            "ArchiveDay", str(day), id=archive_day_id(day), result_type=DayReport, priority=PRIORITY
        )
        return report


@workflow.defn(name="ArchiveHistory")
class ArchiveHistory:
    """Id `archive-history`: every day there is, newest first, for all who wait.

    Who asks on the way is served, too: the pass begins anew, and passes over what was read meanwhile.
    """

    def __init__(self) -> None:
        self._asked = False

    @workflow.run
    async def run(self, state: HistoryRun) -> None:
        state.begun_at = state.begun_at or workflow.now()
        while True:
            if self._asked:
                self._asked, state.before, state.begun_at = False, None, workflow.now()
            request = ChooseHistoryDays(state.before, state.begun_at)
            chosen = await call(activities.CHOOSE_HISTORY_DAYS, request, PRIORITY)
            if not chosen.days and not self._asked:
                return
            for day in chosen.days:
                state.new += await self._read(day)
                state.before = day
                workflow.set_current_details(f"Read back to {day}; {state.new:,} new killmails.")
            if history_is_long() or workflow.info().get_current_history_length() > LONG_HISTORY:
                state.begun_at = None if self._asked else state.begun_at
                state.before = None if self._asked else state.before
                continue_as_new(state)

    async def _read(self, day: str) -> int:
        """How many killmails it brought. 0 of a day that cannot be had."""
        for _ in range(HISTORY_TRIES):
            try:
                report: DayReport = await workflow.execute_child_workflow(
                    "ArchiveDay", day, id=archive_day_id(day), result_type=DayReport, priority=PRIORITY
                )
            except WorkflowAlreadyStartedError:
                await workflow.sleep(AGAIN, summary="somebody else has this day read")
            except ChildWorkflowError as error:
                workflow.logger.warning("%s of the archive must wait: %s", day, error)
                await workflow.sleep(HISTORY_PAUSE, summary="the archive is away")
            else:
                return report.new
        return 0

    @workflow.signal
    def asked(self) -> None:
        """Somebody else waits from now on."""
        self._asked = True
