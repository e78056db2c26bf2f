"""The SDK's sandbox, in which code that is not deterministic fails. Production runs without it, which is faster."""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions


def strict_runner() -> SandboxedWorkflowRunner:
    """`contracts` holds data and pure functions only, so all workflows share it."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules("contracts"))
