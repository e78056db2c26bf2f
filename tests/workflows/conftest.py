"""A real Temporal server with our search attributes, and one that skips time."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from contracts.upkeep import WATCHDOG_ID
from temporal.schedules import INDEXED, prepare_temporal
from tests.workflows.stand_ins import StandIns

TEST_SERVER = Path(sys.executable).parent / "temporal-test-server"


async def know_our_attributes(client: Client) -> None:
    wanted = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=INDEXED)
    await client.operator_service.add_search_attributes(wanted)


@pytest.fixture
async def temporal_client(temporal_address: str, temporal_namespace: str) -> Client:
    """Knows our search attributes; nothing runs by itself."""
    client = await Client.connect(temporal_address, namespace=temporal_namespace)
    await know_our_attributes(client)
    return client


@pytest.fixture
async def watchdog(temporal_client: Client) -> None:
    """Its schedule, whose first run must come when a test wants it."""
    await prepare_temporal(temporal_client)
    await temporal_client.get_schedule_handle(WATCHDOG_ID).pause()


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(TEST_SERVER)) as env:
        await know_our_attributes(env.client)
        yield env


Served = Callable[[Client, StandIns], Awaitable[None]]


@pytest.fixture
async def serve() -> AsyncIterator[Served]:
    """Start the workers of some stand-ins; they stop with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(client: Client, stand_ins: StandIns) -> None:
            for worker in stand_ins.workers(client):
                await stack.enter_async_context(worker)

        yield start
