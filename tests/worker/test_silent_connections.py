"""A connection that goes silent without a word to either end: who holds it notices, and goes on with another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest
from temporalio.client import Client
from temporalio.service import KeepAliveConfig, RPCError

from activities import opening
from contracts.sync import user_sync_id
from sandbox.chaos.links import Link
from sandbox.eve.server import SandboxEve
from sandbox.process import free_port
from settings import Settings
from temporal.connection import KEEP_ALIVE, connect_temporal
from temporal.user_sync import start_or_wake
from tests.logins import log_in
from tests.stored import stored
from tests.workflows.waiting import ok, until
from worker_main import run_worker

NOTICED_SECONDS = 30.0
"""By default Temporal's client takes 45, and so did a statement of the worker's. Here they hurry."""


async def test_a_silent_connection_to_temporal_is_replaced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEEP_ALIVE.interval_millis + KEEP_ALIVE.timeout_millis < NOTICED_SECONDS * 1000
    hurried = KeepAliveConfig(interval_millis=1_000, timeout_millis=1_000)
    monkeypatch.setattr("temporal.connection.KEEP_ALIVE", hurried)
    link = Link("test to Temporal", free_port(), int(settings.temporal_address.rpartition(":")[2]))
    await link.open()
    try:
        client = await connect_temporal(settings.model_copy(update={"temporal_address": f"127.0.0.1:{link.port}"}))
        await client.count_workflows()
        link.half_open()
        begun = time.monotonic()
        async with asyncio.timeout(NOTICED_SECONDS / 3):
            answered = False
            while not answered:
                with contextlib.suppress(RPCError):
                    await client.count_workflows(rpc_timeout=timedelta(seconds=1))
                    answered = True
        assert time.monotonic() - begun > 0.5, "the connection was never silent"
    finally:
        await link.close()


async def test_a_worker_gives_up_silent_connections_to_postgres(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert opening.SILENT_AFTER_SECONDS < NOTICED_SECONDS
    monkeypatch.setattr(opening, "SILENT_AFTER_SECONDS", 2.0)
    pilot, stop = eve.pilots[1].character_id, asyncio.Event()
    port = urlsplit(settings.database_url).port or 0
    link = Link("test to Postgres", free_port(), port)
    await link.open()
    through = settings.database_url.replace(f":{port}/", f":{link.port}/")
    worker = asyncio.create_task(run_worker(settings.model_copy(update={"database_url": through}), stop, client))
    try:
        await log_in(settings, pool, pilot)
        await start_or_wake(client, pilot, 900)
        await until(client, ok, pilot)
        new = eve.add_killmail(pilot)
        eve.expire_lists()
        await pool.execute("UPDATE users SET killmail_list_fresh_until = now()")
        link.half_open()
        async with asyncio.timeout(NOTICED_SECONDS / 3):
            await client.get_workflow_handle(user_sync_id(pilot)).execute_update("sync_now_and_wait")
        assert new.killmail_id in await stored(pool)
    finally:
        stop.set()
        await worker
        await link.close()
