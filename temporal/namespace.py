"""The namespace: made where it is missing, if the server lets us; before anything else is registered in it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

REFUSED = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED)
"""What a server answers that has other ways for this, as Temporal Cloud."""
KNOWN_WITHIN_SECONDS = 30.0
"""A server's front ends look for new namespaces every ten seconds."""


class NotAllowed(Exception):
    """The server does not let us prepare it. `str()` says what to run instead, in one sentence."""


async def ensure_namespace(client: Client, retention: timedelta) -> list[str]:
    """Make the client's namespace if there is none; says so if it did.

    Raises:
        NotAllowed: there is none and we may not make it.
        temporalio.service.RPCError: Temporal does not answer, or refuses for another reason.
        TimeoutError: it was made, but is not known to the whole server yet.
    """
    name = client.namespace
    try:
        if await _exists(client):
            return []
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=name,
                description="KillReport",
                workflow_execution_retention_period=Duration(seconds=int(retention.total_seconds())),
            )
        )
    except RPCError as error:
        if error.status in REFUSED:
            command = f"temporal operator namespace create --namespace {name} --retention {retention.days}d"
            raise NotAllowed(
                f"We may not make the namespace {name}: run `{command}` with an operator's rights (in Temporal Cloud,"
                " make it on its pages), then this again."
            ) from error
        if error.status != RPCStatusCode.ALREADY_EXISTS:  # somebody made it at this moment
            raise
    async with asyncio.timeout(KNOWN_WITHIN_SECONDS):
        while True:
            if await _is_known(client):
                return [f"Made the namespace {name}: workflows that have ended are kept for {retention.days} days."]
            await asyncio.sleep(0.2)


async def _exists(client: Client) -> bool:
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def _is_known(client: Client) -> bool:
    """To those that start workflows, who remember for a while what they did not find."""
    try:
        await client.count_workflows()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
