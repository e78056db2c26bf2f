"""The table of activities is true of the activities, and what it says of heartbeats is kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio import activity, workflow
from temporalio.activity import _Definition
from temporalio.client import Client
from temporalio.common import RetryPolicy

from activities.access_tokens import AccessTokens
from activities.services import Services, activities_of
from contracts.activities import POLICIES
from contracts.activity_policy import NO_HEARTBEAT_WITHIN
from contracts.task_queues import SYNC_QUEUE, TASK_QUEUES
from settings import Settings
from worker_main import AT_ONCE, queue_worker


def test_every_activity_is_served_and_keeps_its_contract(settings: Settings) -> None:
    nobody = cast(Any, None)
    tokens = AccessTokens(nobody, nobody, nobody, nobody)
    services = Services(
        nobody, nobody, nobody, nobody, nobody, nobody, nobody, nobody, nobody, nobody, nobody, tokens, nobody
    )  # fmt: skip
    served = {served.__name__: _Definition.must_from_callable(served) for served in activities_of(services, settings)}
    assert set(served) == set(POLICIES)
    for name, policy in POLICIES.items():
        takes = [] if policy.takes is type(None) else [policy.takes]
        assert (served[name].arg_types, served[name].ret_type or type(None)) == (takes, policy.answers), name
    assert set(AT_ONCE) == set(TASK_QUEUES) == {policy.queue for policy in POLICIES.values()}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_no_activity_may_go_on_for_ever(policy: Any) -> None:
    assert policy.schedule_to_close or policy.retries.maximum_attempts
    if policy.start_to_close > NO_HEARTBEAT_WITHIN:
        assert timedelta(seconds=5) < policy.heartbeat_timeout < timedelta(minutes=1)


@workflow.defn(name="Slow", sandboxed=False)
class Slow:
    @workflow.run
    async def run(self) -> str:
        answer: str = await workflow.execute_activity(
            "slow",
            result_type=str,
            task_queue=SYNC_QUEUE,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=2),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
        return answer


async def test_an_activity_beats_for_as_long_as_it_works(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_main.WORKFLOWS", [Slow])
    attempts = 0

    @activity.defn
    async def slow() -> str:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(5)  # more than two heartbeat time-outs
        return f"attempt {attempts}"

    async with queue_worker(temporal_client, SYNC_QUEUE, [slow]):
        answer = await temporal_client.execute_workflow("Slow", id="slow", task_queue=SYNC_QUEUE, result_type=str)
    assert answer == "attempt 1"
