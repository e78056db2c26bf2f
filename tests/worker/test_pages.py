"""A worker's pages: it lives before it is ready, and its figures are for whoever may have them."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from pydantic import SecretStr
from temporalio.client import Client

from db.migrate import migrate, take_back
from db.schema import known_revisions
from sandbox.process import free_port
from settings import Settings
from tests.workflows.waiting import eventually
from worker_main import run_worker


async def test_a_worker_without_temporal_lives_and_is_not_ready(settings: Settings) -> None:
    alone = settings.model_copy(
        update={
            "temporal_address": f"127.0.0.1:{free_port()}",
            "metrics_port": free_port(),
            "metrics_token": SecretStr("a long secret"),
        }
    )
    pages, stop = f"http://127.0.0.1:{alone.metrics_port}", asyncio.Event()
    running = asyncio.create_task(run_worker(alone, stop))
    async with aiohttp.ClientSession() as session:

        async def status(path: str, **headers: str) -> int:
            async with session.get(f"{pages}{path}", headers=headers) as answer:
                return answer.status

        async def lives() -> bool:
            try:
                return await status("/healthz") == 200
            except aiohttp.ClientConnectorError:
                return False

        await eventually(lives)
        assert await status("/readyz") == 503
        assert await status("/metrics") == 200
        for elsewhere in ({"Host": "worker.example"}, {"X-Forwarded-For": "203.0.113.7"}):
            assert await status("/metrics", **elsewhere) == 404
            assert await status("/metrics", **elsewhere, Authorization="Bearer another") == 404
            assert await status("/metrics", **elsewhere, Authorization="Bearer a long secret") == 200
    stop.set()
    await running


@pytest.mark.new_database
async def test_a_worker_serves_nothing_before_the_database_is_migrated(settings: Settings, client: Client) -> None:
    del client  # Temporal is prepared
    await take_back(settings.database_url, 1)
    early = settings.model_copy(update={"metrics_port": free_port()})
    stop = asyncio.Event()
    running = asyncio.create_task(run_worker(early, stop))
    async with aiohttp.ClientSession() as session:

        async def readiness() -> tuple[int, str]:
            try:
                async with session.get(f"http://127.0.0.1:{early.metrics_port}/readyz") as answer:
                    return answer.status, (await answer.json())["queues"]
            except aiohttp.ClientConnectorError:
                return 0, ""

        async def waits() -> bool:
            status, says = await readiness()
            assert status != 200
            return says.endswith(f"and this version needs {known_revisions()[-1]}: run `killreport migrate`.")

        async def serves() -> bool:
            return await readiness() == (200, "ok")

        try:
            await eventually(waits)
            await migrate(settings.database_url)
            await eventually(serves)
        finally:
            stop.set()
            await running
