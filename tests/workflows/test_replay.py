"""Workflows that run now must go on after a deploy: recorded histories replay, in the sandbox that is strict."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow._definition import _Definition

from settings import VERSION
from tests.workflows.record_histories import HISTORIES, SCENARIOS, missing
from tests.workflows.strict import strict_runner
from worker_main import WORKFLOWS

RECORDED = sorted(HISTORIES.glob("*/*/*.json"))
"""Of every version that was released, and of the next one."""
NAMES = [str(path.relative_to(HISTORIES).with_suffix("")) for path in RECORDED]
OF_WORKFLOW = {str(definition.name): definition for definition in map(_Definition.must_from_class, WORKFLOWS)}
SECRETS = re.compile(r"[0-9a-f]{40}|\beyJ[\w-]+\.|\bBearer\b", re.ASCII)
"""Killmail hashes, JSON web tokens, headers."""


def events(path: Path) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = json.loads(path.read_text())["events"]
    return recorded


def texts(part: Any) -> Iterator[str]:
    """Every string of a history; of payloads (base64) what they say."""
    if isinstance(part, list):
        for one in part:
            yield from texts(one)
    elif isinstance(part, dict):
        for name, value in part.items():
            is_payload = name == "data" and isinstance(value, str)
            yield from [base64.b64decode(value).decode()] if is_payload else texts(value)
    elif isinstance(part, str):
        yield part


async def unfit(histories: Mapping[str, list[dict[str, Any]]]) -> set[str]:
    """Those that do not replay. One worker has them all: each costs more than its history."""

    async def told() -> AsyncIterator[WorkflowHistory]:
        for name, recorded in histories.items():
            yield WorkflowHistory.from_json(name, json.dumps({"events": recorded}))

    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=strict_runner())
    async with replayer.workflow_replay_iterator(told()) as replayed:
        return {one.history.workflow_id async for one in replayed if one.replay_failure is not None}


def test_every_scenario_has_its_history() -> None:
    told = {f"{workflow}/{one.name}" for workflow, scenarios in SCENARIOS.items() for one in scenarios}
    assert told == {name.partition("/")[2] for name in NAMES}


def test_what_a_release_must_have_recorded_is_named(tmp_path: Path) -> None:
    shutil.copytree(HISTORIES / VERSION, tmp_path / VERSION)
    assert missing(tmp_path / VERSION) == []
    (tmp_path / VERSION / "Departure" / f"{SCENARIOS['Departure'][0].name}.json").unlink()
    assert [path.parent.name for path in missing(tmp_path / VERSION)] == ["Departure"]


@pytest.mark.parametrize("workflow", OF_WORKFLOW)
def test_every_workflow_has_histories_of_all_that_it_is_told(workflow: str) -> None:
    recorded = [event for path in RECORDED if path.parent.name == workflow for event in events(path)]
    assert recorded, "record one: python -m tests.workflows.record_histories"
    told = {
        attributes.get("signalName")
        for event in recorded
        for attributes in event.values()
        if "signalName" in attributes
    }
    assert told >= OF_WORKFLOW[workflow].signals.keys()
    updated = {
        attributes["acceptedRequest"]["input"]["name"]
        for event in recorded
        for attributes in event.values()
        if "acceptedRequest" in attributes
    }
    assert updated == OF_WORKFLOW[workflow].updates.keys()


async def test_the_recorded_histories_replay() -> None:
    recorded = {name: events(path) for name, path in zip(NAMES, RECORDED, strict=True)}
    for path, told in zip(RECORDED, recorded.values(), strict=True):
        started = told[0]["workflowExecutionStartedEventAttributes"]
        assert started["workflowType"]["name"] == path.parent.name
    assert await unfit(recorded) == set()


async def test_a_history_that_does_not_fit_is_noticed() -> None:
    bent = {}
    ordered = {
        "activityTaskScheduledEventAttributes": "activityType",
        "startChildWorkflowExecutionInitiatedEventAttributes": "workflowType",
    }
    for workflow in OF_WORKFLOW:
        recorded = events(next(path for path in RECORDED if path.parent.name == workflow))
        types = [event[of][kind] for event in recorded for of, kind in ordered.items() if of in event]
        types[-1]["name"] = "another"
        bent[workflow] = recorded
    assert await unfit(bent) == bent.keys()


@pytest.mark.parametrize("path", RECORDED, ids=NAMES)
def test_a_history_holds_ids_and_times_only(path: Path) -> None:
    assert not [text for text in texts(events(path)) if SECRETS.search(text)]
