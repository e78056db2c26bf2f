"""Workflows that run now must go on after a deploy: recorded histories replay, in the production sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from contracts.task_queues import KILLMAILS_QUEUE
from worker_main import WORKFLOWS, workflow_runner

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def replayer(runner: WorkflowRunner | None = None) -> Replayer:
    return Replayer(workflows=WORKFLOWS, workflow_runner=runner or workflow_runner())


def test_there_are_histories() -> None:
    assert {path.stem for path in HISTORIES} == {
        "first_sync_and_signals",
        "troubles",
        "a_short_interval",
        "watchdog",
        "zkillboard_import",
        "zkillboard_import_cancelled",
    }


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    history = WorkflowHistory.from_json("recorded", path.read_text())  # noqa: ASYNC240 - small and local
    result = await replayer().replay_workflow(history)
    assert result.replay_failure is None


async def test_a_history_that_does_not_fit_is_noticed() -> None:
    path = next(path for path in HISTORIES if path.stem == "first_sync_and_signals")
    history = json.loads(path.read_text())
    for event in history["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes")
        if scheduled and scheduled["taskQueue"]["name"] == KILLMAILS_QUEUE:
            scheduled["activityType"]["name"] = "another_activity"
    result = await replayer().replay_workflow(
        WorkflowHistory.from_json("recorded", json.dumps(history)), raise_on_replay_failure=False
    )
    assert result.replay_failure is not None


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_history_holds_ids_and_times_only(path: Path) -> None:
    text = path.read_text()
    assert "refresh" not in text.replace("refresh_even_if_valid", "")
    assert "hash" not in text


def test_the_replay_uses_the_sandbox_of_production() -> None:
    assert isinstance(workflow_runner(), SandboxedWorkflowRunner)
