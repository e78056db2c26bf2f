"""A long-lived workflow goes on as a new run: when its history is long, or another version of the worker is current.

Workflows are pinned: a run ends on the version of the worker that began it, so no change of code meets a history that
it did not write. The next run begins on the version that is current then
(https://docs.temporal.io/worker-versioning, upgrade on continue-as-new).
"""

from __future__ import annotations

from typing import Any, NoReturn

from temporalio import workflow
from temporalio.workflow import ContinueAsNewVersioningBehavior


def history_is_long() -> bool:
    """Temporal suggests a new run."""
    return workflow.info().is_continue_as_new_suggested()


def another_version_is_current() -> bool:
    """Known since the last task of the workflow; a workflow that sleeps learns it when it wakes up."""
    return workflow.info().is_target_worker_deployment_version_changed()


def continue_as_new(*state: Any) -> NoReturn:
    """Go on with `state`, on the version that is current."""
    workflow.continue_as_new(args=state, initial_versioning_behavior=ContinueAsNewVersioningBehavior.AUTO_UPGRADE)
