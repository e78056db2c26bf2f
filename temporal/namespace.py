"""The namespace: made where it is missing, if the server lets us; before anything else is registered in it. One that is
there keeps what has ended for as long as it is told to, or longer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

REFUSED = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED)
"""What a server answers that has other ways for this, as Temporal Cloud."""
KNOWN_WITHIN_SECONDS = 30.0
"""A server's front ends look for new namespaces every ten seconds."""


class NotAllowed(Exception):
    """The server does not let us prepare it. `str()` says what to run instead, in one sentence."""


class NotKnownYet(Exception):
    """It is there, but not all of the server knows it. `str()` says so, and what to do, in one sentence."""


async def ensure_namespace(client: Client, retention: timedelta) -> list[str]:
    """Make the client's namespace if there is none, and have it keep what has ended for `retention` at least.

    Says what it did, and what somebody else must do.

    Raises:
        NotAllowed: there is none and we may not make it.
        temporalio.service.RPCError: Temporal does not answer, or refuses for another reason.
        NotKnownYet: it is there, and not known to the whole server within `KNOWN_WITHIN_SECONDS`.
    """
    kept = await _retention_or_make(client, retention)
    await _until_known(client)
    if kept is None:
        told = told_retention(retention)
        return [f"Made the namespace {client.namespace}: workflows that have ended are kept for {told}."]
    return await _lengthen(client, kept, retention) if kept < retention else []


async def namespace_retention(client: Client) -> timedelta | None:
    """For how long the client's namespace keeps a workflow that ends now; None if there is no such namespace.

    Raises:
        temporalio.service.RPCError: Temporal does not answer, or refuses.
    """
    try:
        found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return None
        raise
    return found.config.workflow_execution_retention_ttl.ToTimedelta()


def told_retention(retention: timedelta) -> str:
    """In days, or in hours where those would not do."""
    days, rest = divmod(retention, timedelta(days=1))
    return f"{days} days" if days > 1 and not rest else f"{retention // timedelta(hours=1)} hours"


async def _retention_or_make(client: Client, retention: timedelta) -> timedelta | None:
    """As `namespace_retention`; where there is no namespace, it is made."""
    name = client.namespace
    try:
        kept = await namespace_retention(client)
        if kept is None:
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
        return None
    return kept


async def _until_known(client: Client) -> None:
    """Also if it was there: an attempt before this one may have made it and not waited long enough."""
    try:
        async with asyncio.timeout(KNOWN_WITHIN_SECONDS):
            while not await _is_known(client):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise NotKnownYet(
            f"The namespace {client.namespace} is made, but Temporal does not know it everywhere yet: run this again in"
            " a minute."
        ) from error


async def _lengthen(client: Client, kept: timedelta, retention: timedelta) -> list[str]:
    """Nothing here needs more than the namespace has, so a refusal is said, and stops nobody who upgrades."""
    name = client.namespace
    wanted = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=int(retention.total_seconds())))
    try:
        await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=name, config=wanted))
    except RPCError as error:
        if error.status not in REFUSED:
            raise
        command = f"temporal operator namespace update --namespace {name} --retention {retention.days}d"
        return [
            f"The namespace {name} keeps workflows that have ended for {told_retention(kept)}, not"
            f" {told_retention(retention)}, and we may not change that: run `{command}` with an operator's rights (in"
            " Temporal Cloud, change it on its pages), or set TEMPORAL_RETENTION_DAYS to what it keeps."
        ]
    return [
        f"The namespace {name} now keeps workflows that have ended for {told_retention(retention)}, not"
        f" {told_retention(kept)}."
    ]


async def _is_known(client: Client) -> bool:
    """To those that start workflows, who remember for a while what they did not find."""
    try:
        await client.count_workflows()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
