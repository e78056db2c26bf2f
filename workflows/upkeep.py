"""`DailyFullSync` and `Housekeeping`: calendar work, each run by a Temporal Schedule (`temporal/schedules.py`)."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

with workflow.unsafe.imports_passed_through():
    from contracts.call_classes import PRIORITY_OF, CallClass
    from contracts.task_queues import SYNC_QUEUE
    from contracts.upkeep import FullSyncsAsked, Housekept

RETRIES = RetryPolicy(initial_interval=timedelta(seconds=10), maximum_attempts=5)
HEARTBEAT = timedelta(seconds=30)
PRIORITY = Priority(priority_key=PRIORITY_OF[CallClass.REFRESH], fairness_key="upkeep")
BATCHES = 50
"""Rounds of deletions in one run: what a neglected installation still has goes in the next nights."""


@workflow.defn(name="DailyFullSync")
class DailyFullSync:
    """Every hour, those users whose hour has come are told to read every page at their next look."""

    @workflow.run
    async def run(self) -> FullSyncsAsked:
        answer: FullSyncsAsked = await workflow.execute_activity(
            "ask_for_full_syncs",
            result_type=FullSyncsAsked,
            task_queue=SYNC_QUEUE,
            start_to_close_timeout=timedelta(minutes=10),
            schedule_to_close_timeout=timedelta(minutes=45),
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRIES,
            priority=PRIORITY,
            summary="ask for the day's full syncs",
        )
        workflow.set_current_details(f"{answer.asked:,} of {answer.due:,} due users were asked for a full sync.")
        return answer


@workflow.defn(name="Housekeeping")
class Housekeeping:
    """Every night, rows that nobody will ask for again are deleted, a bounded batch at a time."""

    @workflow.run
    async def run(self) -> Housekept:
        total = Housekept()
        for _ in range(BATCHES):
            batch: Housekept = await workflow.execute_activity(
                "delete_what_is_old",
                result_type=Housekept,
                task_queue=SYNC_QUEUE,
                start_to_close_timeout=timedelta(minutes=2),
                schedule_to_close_timeout=timedelta(minutes=30),
                retry_policy=RETRIES,
                priority=PRIORITY,
                summary="delete what is old",
            )
            total.sync_runs += batch.sync_runs
            total.login_events += batch.login_events
            total.sessions += batch.sessions
            total.login_attempts += batch.login_attempts
            total.done = batch.done
            if batch.done:
                break
        workflow.set_current_details(
            f"Deleted {total.sync_runs:,} runs, {total.login_events:,} login events, {total.sessions:,} sessions and"
            f" {total.login_attempts:,} login attempts{'' if total.done else '; more the next time'}."
        )
        return total
