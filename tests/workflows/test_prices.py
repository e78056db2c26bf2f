"""The workflows of prices and values, with activities that a test answers for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from contracts.sync import FailureType
from contracts.task_queues import ENRICHMENT_QUEUE, SYNC_QUEUE
from contracts.values import AppraisedKillmails, AppraiseKillmails, PriceSnapshotReport, PricesTaken, Revalued
from tests.workflows.strict import strict_runner
from workflows.prices import TRIES, PriceSnapshot, Revaluation


@dataclass
class Answers:
    """`prices`: the answer to each try. Killmails 1 to 9 are appraised three at a time."""

    prices: Callable[[int], PricesTaken | ApplicationError] = lambda _: PricesTaken(True, 5, 2)
    tries: int = 0
    asked: list[AppraiseKillmails] = field(default_factory=list)
    failures: int = 0

    @activity.defn
    async def take_price_snapshot(self) -> PricesTaken:
        self.tries += 1
        answer = self.prices(self.tries)
        if isinstance(answer, ApplicationError):
            raise answer
        return answer

    @activity.defn
    async def appraise_killmails(self, request: AppraiseKillmails) -> AppraisedKillmails:
        if self.failures:
            self.failures -= 1
            raise ApplicationError("Postgres is away", type=FailureType.INFRASTRUCTURE)
        self.asked.append(request)
        return AppraisedKillmails(3, 1, request.after_killmail_id + 3, request.after_killmail_id == 6)

    async def run(self, environment: WorkflowEnvironment, workflow: type, *arguments: Any) -> Any:
        """The workflow's result; its whole history is replayed at each step, as after a crash."""
        client = environment.client
        activities: list[Callable[..., Any]] = [self.take_price_snapshot, self.appraise_killmails]
        async with (
            Worker(
                client,
                task_queue=SYNC_QUEUE,
                workflows=[PriceSnapshot, Revaluation],
                workflow_runner=strict_runner(),
                max_cached_workflows=0,
            ),
            Worker(client, task_queue=ENRICHMENT_QUEUE, activities=activities),
        ):
            handle = await client.start_workflow(
                workflow.__name__,
                args=list(arguments),
                id=str(uuid.uuid4()),
                task_queue=SYNC_QUEUE,
                result_type=Revalued if workflow is Revaluation else PriceSnapshotReport,
            )
            return await handle.result()


def limited(_: int) -> ApplicationError:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return ApplicationError("wait", until, type=FailureType.RATE_LIMITED, non_retryable=True)


async def test_a_snapshot_values_what_waits_for_it(skipping: WorkflowEnvironment) -> None:
    answers = Answers()
    report = await answers.run(skipping, PriceSnapshot)
    assert report == PriceSnapshotReport(PricesTaken(True, 5, 2), revalued=3)
    assert answers.asked == [AppraiseKillmails(after) for after in (0, 3, 6)]


async def test_prices_that_cannot_be_had_now_are_asked_for_later(skipping: WorkflowEnvironment) -> None:
    down = ApplicationError("down", type=FailureType.UNAVAILABLE, non_retryable=True)
    answers = Answers(prices=lambda tries: {1: limited(1), 2: down}.get(tries, PricesTaken(True, 5, 2)))
    began = await skipping.get_current_time()
    assert (await answers.run(skipping, PriceSnapshot)).prices.taken
    assert answers.tries == 3
    waited = await skipping.get_current_time() - began
    assert waited >= timedelta(minutes=15)
    assert TRIES * timedelta(minutes=15) <= timedelta(hours=6)


async def test_a_revaluation_goes_through_all_and_survives_an_outage(skipping: WorkflowEnvironment) -> None:
    answers = Answers(failures=20)
    revalued = await answers.run(skipping, Revaluation, Revalued(since="2026-01-03"))
    assert revalued == Revalued("2026-01-03", looked_at=9, changed=3, after_killmail_id=9)
    assert answers.asked == [AppraiseKillmails(after, True, "2026-01-03") for after in (0, 3, 6)]


async def test_a_revaluation_is_taken_up_where_it_was(skipping: WorkflowEnvironment) -> None:
    answers = Answers()
    handed_on = Revalued(looked_at=6, changed=2, after_killmail_id=6)
    revalued = await answers.run(skipping, Revaluation, handed_on)
    assert revalued == Revalued(looked_at=9, changed=3, after_killmail_id=9)
    assert answers.asked == [AppraiseKillmails(6, True)]
