"""A connection that goes silent without a word to either end: who holds it notices, and goes on with another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta

from temporalio.service import RPCError

from sandbox.chaos.links import Link
from sandbox.process import free_port
from settings import Settings
from temporal.connection import connect_temporal

NOTICED_SECONDS = 30.0
"""By default Temporal's client takes 45."""


async def test_a_silent_connection_to_temporal_is_replaced(settings: Settings) -> None:
    link = Link("test to Temporal", free_port(), int(settings.temporal_address.rpartition(":")[2]))
    await link.open()
    try:
        client = await connect_temporal(settings.model_copy(update={"temporal_address": f"127.0.0.1:{link.port}"}))
        await client.count_workflows()
        link.half_open()
        begun = time.monotonic()
        async with asyncio.timeout(NOTICED_SECONDS):
            answered = False
            while not answered:
                with contextlib.suppress(RPCError):
                    await client.count_workflows(rpc_timeout=timedelta(seconds=1))
                    answered = True
        assert time.monotonic() - begun > 0.5, "the connection was never silent"
    finally:
        await link.close()
