"""`killreport deploy`: which version of the workers gets the work."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from operations.connections import temporal_client, temporal_failures
from operations.failure import OperationFailed
from operations.signals import BATCH_SECONDS
from settings import Settings
from temporal.batch_signals import WITH_CORPORATIONS, AnotherBatchRuns, start_signal_for_all
from temporal.deployments import Deployment, deployment, ramp, set_current

REFUSED = (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT)


@dataclass(frozen=True, slots=True)
class Moved:
    """`told`: syncs that were told to move at once; `job_id`: for `temporal batch describe --job-id`."""

    build_id: str
    told: int
    job_id: str


async def deployment_status(settings: Settings) -> Deployment:
    """How work is directed now.

    Raises:
        OperationFailed: Temporal is away.
    """
    client = await temporal_client(settings)
    with temporal_failures(settings):
        return await deployment(client)


async def make_current(settings: Settings, build_id: str, *, move_now: bool) -> Moved:
    """Direct all work to a version; `move_now`: also what sleeps or is paused, which would stay where it is.

    Raises:
        OperationFailed: no worker of this version is there, another batch of Temporal's does not end, or it is away.
    """
    client = await temporal_client(settings)
    with temporal_failures(settings):
        try:
            await set_current(client, build_id)
        except RPCError as error:
            raise await _refusal(client, build_id, error) from error
        if not move_now:
            return Moved(build_id, 0, "")
        told = (await client.count_workflows(WITH_CORPORATIONS)).count
        reason = f"killreport deploy set-current {build_id}"
        try:
            job_id = await start_signal_for_all(
                client, "use_current_version", reason, WITH_CORPORATIONS, patience_seconds=BATCH_SECONDS
            )
        except AnotherBatchRuns as error:
            raise OperationFailed(f"New work goes to {build_id}, but nobody who sleeps was moved. {error}") from error
    return Moved(build_id, told, job_id or "")


async def try_out(settings: Settings, build_id: str, percent: float) -> Deployment:
    """Direct a part of the work to a version.

    Raises:
        OperationFailed: no worker of this version is there, or Temporal is away.
    """
    client = await temporal_client(settings)
    with temporal_failures(settings):
        try:
            await ramp(client, build_id if percent else "", percent)
        except RPCError as error:
            raise await _refusal(client, build_id, error) from error
        return await deployment(client)


async def _refusal(client: Client, build_id: str, error: RPCError) -> Exception:
    if error.status not in REFUSED:
        return error
    known = ", ".join(version.build_id for version in (await deployment(client)).versions) or "none"
    return OperationFailed(
        f"Temporal does not direct work to version {build_id}: {error.message.rstrip('.')}. Start workers with"
        f" WORKER_VERSIONING=true and BUILD_ID={build_id} first. Versions it knows: {known}."
    )
