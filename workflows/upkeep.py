"""`DailyFullSync`, `Housekeeping` and `Sums`: calendar work, each run by a Schedule (`temporal/schedules.py`)."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import Priority

from contracts import activities
from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.upkeep import FullSyncsAsked, Housekept, SumsBuilt

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call

PRIORITY = Priority(priority_key=PRIORITY_OF[CallClass.REFRESH], fairness_key="upkeep")
BATCHES = 50
"""Rounds in one run: what a neglected installation still has to do is done by the next ones."""


@workflow.defn(name="DailyFullSync")
class DailyFullSync:
    """Every hour, those users whose hour has come are told to read every page at their next look."""

    @workflow.run
    async def run(self) -> FullSyncsAsked:
        answer = await call(activities.ASK_FOR_FULL_SYNCS, None, PRIORITY)
        workflow.set_current_details(f"{answer.asked:,} of {answer.due:,} due users were asked for a full sync.")
        return answer


@workflow.defn(name="Housekeeping")
class Housekeeping:
    """Every night, rows that nobody will ask for again are deleted, a bounded batch at a time."""

    @workflow.run
    async def run(self) -> Housekept:
        total = Housekept()
        for _ in range(BATCHES):
            batch = await call(activities.DELETE_OLD_ROWS, None, PRIORITY)
            total.sync_runs += batch.sync_runs
            total.login_events += batch.login_events
            total.sessions += batch.sessions
            total.login_attempts += batch.login_attempts
            total.webhook_deliveries += batch.webhook_deliveries
            total.done = batch.done
            if batch.done:
                break
        counts = f"{total.sync_runs:,} runs, {total.login_events:,} login events, {total.sessions:,} sessions"
        others = f"{total.webhook_deliveries:,} deliveries and {total.login_attempts:,} login attempts"
        workflow.set_current_details(f"Deleted {counts}, {others}{'' if total.done else '; more the next time'}.")
        return total


@workflow.defn(name="Sums")
class Sums:
    """Every hour, who has become busy gets sums; what was begun is gone on with, a bounded part at a time."""

    @workflow.run
    async def run(self) -> SumsBuilt:
        answer = SumsBuilt()
        for _ in range(BATCHES):
            answer = await call(activities.BUILD_SUMS, None, PRIORITY)
            if answer.done:
                break
        workflow.set_current_details(f"The sums of {answer.finished:,} of {answer.subjects:,} subjects are whole.")
        return answer
