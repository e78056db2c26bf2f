"""Versions of our workers, as Temporal's Worker Deployments know them: which one is given the work.

With WORKER_VERSIONING, workers of two versions run side by side. Nothing is given to a version before somebody directs
it there; runs that began on the version before end on it (`workflows/new_run.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import RoutingConfigUpdateState, WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode

from settings import VERSION, Settings

DEPLOYMENT = "killreport"
KNOWN_WITHIN_SECONDS = 20.0
KNOWN_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Version:
    """One version that workers have been.

    `status`: current (gets what is new), ramping (gets a part of it), draining (runs that began on it are still open),
    drained (its workers may go), inactive (was never directed to). `since`: UTC, None if it never changed.
    """

    build_id: str
    status: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """`current` is empty while unversioned workers get the work; `ramping` while nothing is tried out."""

    current: str
    ramping: str
    ramping_percent: float
    versions: Sequence[Version]


def worker_version(settings: Settings) -> WorkerDeploymentVersion | None:
    """What a worker of this process is; None: it takes any work."""
    if not settings.worker_versioning:
        return None
    return WorkerDeploymentVersion(DEPLOYMENT, settings.build_id or VERSION)


async def deployment(client: Client) -> Deployment:
    """How work is directed now; newest version first.

    Raises:
        temporalio.service.RPCError: Temporal does not answer, or refuses.
    """
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=DEPLOYMENT)
    try:
        found = (await client.workflow_service.describe_worker_deployment(request)).worker_deployment_info
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return Deployment("", "", 0.0, ())
        raise
    routing = found.routing_config
    summaries = sorted(found.version_summaries, key=lambda one: one.create_time.ToNanoseconds(), reverse=True)
    versions = tuple(
        Version(one.deployment_version.build_id, _status(one.status), _time(one.routing_update_time))
        for one in summaries
    )
    return Deployment(
        routing.current_deployment_version.build_id,
        routing.ramping_deployment_version.build_id,
        routing.ramping_version_percentage,
        versions,
    )


async def set_current(client: Client, build_id: str) -> None:
    """Direct what is new to this version; empty: to workers without one.

    Raises:
        temporalio.service.RPCError: no worker of this version serves every queue, or Temporal does not answer.
    """
    await client.workflow_service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build_id, identity=client.identity
        )
    )
    await _is_known_to_every_queue(client)


async def _is_known_to_every_queue(client: Client) -> None:
    """A workflow that is woken before its queue knows the new direction would find nothing changed."""
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=DEPLOYMENT)
    deadline = time.monotonic() + KNOWN_WITHIN_SECONDS
    while time.monotonic() < deadline:
        found = (await client.workflow_service.describe_worker_deployment(request)).worker_deployment_info
        if found.routing_config_update_state != RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS:
            return
        await asyncio.sleep(KNOWN_POLL_SECONDS)


async def ramp(client: Client, build_id: str, percent: float) -> None:
    """Direct a part of what is new to this version, by workflow id; 0: none of it any more.

    Raises:
        temporalio.service.RPCError: no worker of this version serves every queue, or Temporal does not answer.
    """
    await client.workflow_service.set_worker_deployment_ramping_version(
        SetWorkerDeploymentRampingVersionRequest(
            namespace=client.namespace,
            deployment_name=DEPLOYMENT,
            build_id=build_id,
            percentage=percent,
            identity=client.identity,
        )
    )


def _status(status: WorkerDeploymentVersionStatus.ValueType) -> str:
    return WorkerDeploymentVersionStatus.Name(status).removeprefix("WORKER_DEPLOYMENT_VERSION_STATUS_").lower()


def _time(stamp: Timestamp) -> datetime | None:
    return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds else None
