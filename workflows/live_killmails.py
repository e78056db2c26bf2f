"""`LiveKillmails`: zKillboard's stream of new killmails is followed, for those who want it (`ZKILLBOARD_LIVE`)."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.live_killmails import FollowStream, LiveRun, StreamOutcome, live_sentence
from contracts.sync import FailureType

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import Failure, failure_of, sleep_after
    from workflows.new_run import another_version_is_current, continue_as_new, history_is_long

PRIORITY = Priority(priority_key=PRIORITY_OF[CallClass.LIVE], fairness_key="live-killmails")
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
FORBIDDEN_PAUSE = timedelta(hours=1)
"""So long zKillboard keeps whoever asked too often away."""
NOBODY_PAUSE = timedelta(minutes=5)


@workflow.defn(name="LiveKillmails")
class LiveKillmails:
    """Id `live-killmails`. It ends when the stream is switched off; the watchdog starts it where it is on."""

    @workflow.run
    async def run(self, state: LiveRun) -> None:
        while True:
            try:
                report = await call(activities.FOLLOW_KILLMAIL_STREAM, FollowStream(state.sequence), PRIORITY)
            except ActivityError as error:
                failure = failure_of(error)
                state.failures += 1
                workflow.set_current_details(live_sentence(state, failure.type))
                await sleep_after(failure, _pause(failure, state.failures))
            else:
                if report.outcome is StreamOutcome.OFF:
                    return
                state.failures, state.sequence = 0, report.sequence or state.sequence
                state.read += report.read
                state.new += report.new
                workflow.set_current_details(live_sentence(state))
                if report.outcome is StreamOutcome.NOBODY:
                    await workflow.sleep(NOBODY_PAUSE, summary="nobody is here whose killmails could be wanted")
            if history_is_long() or another_version_is_current():
                continue_as_new(state)


def _pause(failure: Failure, failures: int) -> timedelta:
    if failure.type == FailureType.FORBIDDEN:
        return FORBIDDEN_PAUSE
    doubled: int = 2 ** min(failures - 1, 10)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)
