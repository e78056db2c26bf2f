"""What the API asks of a real Temporal server, and what it does while there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from api.orders import requests as sync_requests
from contracts.sync import user_sync_id
from contracts.task_queues import TASK_QUEUES
from sandbox.process import RunningPart, free_port
from sandbox.temporal import temporal
from settings import Settings
from temporal.schedules import prepare_temporal
from tests.api.login.browser_login import log_in
from tests.api.login.odd_sso import OddSso, serve_odd_sso
from tests.api.running_site import Browser, Site, open_browser, serve

ME = 90_000_010
ORDER = "mutation Order($id: ID!) { syncNow(characterId: $id) { status { state } userErrors { code } } }"


@pytest.fixture
async def sso() -> AsyncIterator[OddSso]:
    async with serve_odd_sso() as running:
        yield running


@pytest.fixture
async def client(temporal_address: str, temporal_namespace: str) -> Client:
    connected = await Client.connect(temporal_address, namespace=temporal_namespace)
    await prepare_temporal(connected)
    return connected


@pytest.fixture
async def site(lone_settings: Settings, sso: OddSso, client: Client) -> AsyncIterator[Site]:
    address = client.service_client.config.target_host
    there = {"temporal_address": address, "temporal_namespace": client.namespace}
    settings = lone_settings.model_copy(update={"eve_sso_url": sso.url, "esi_base_url": sso.url, **there})
    async with serve(settings) as running:
        yield running


async def signals(client: Client, character_id: int) -> list[str]:
    """The signals the character's workflow has got."""
    history = await client.get_workflow_handle(user_sync_id(character_id)).fetch_history()
    names = (event.workflow_execution_signaled_event_attributes.signal_name for event in history.events)
    return [name for name in names if name]


async def test_a_login_starts_the_workflow_in_the_same_request_and_the_next_one_wakes_it(
    browser: Browser, client: Client
) -> None:
    assert (await log_in(browser))[0] == 200
    assert await signals(client, ME) == ["token_granted"]
    assert (await log_in(browser))[0] == 200
    assert await signals(client, ME) == ["token_granted", "token_granted"]


async def test_orders_reach_the_workflow(site: Site, browser: Browser, client: Client) -> None:
    await log_in(browser)
    assert (await browser.data(ORDER, id=str(ME)))["syncNow"] == {"status": {"state": "STARTING"}, "userErrors": []}
    await browser.data('mutation { forceFullResync(characterId: "90000010") { userErrors { code } } }')
    await site.pool.execute("UPDATE users SET sync_state = 'paused'")
    assert (await browser.post("/sync", {"character_id": str(ME), "order": "resume"}))[0] == 200
    assert await signals(client, ME) == ["token_granted", "sync_now", "force_full_resync", "resume"]


async def test_an_order_restores_a_workflow_that_was_terminated(browser: Browser, client: Client) -> None:
    await log_in(browser)
    await client.get_workflow_handle(user_sync_id(ME)).terminate()
    assert (await browser.data(ORDER, id=str(ME)))["syncNow"]["userErrors"] == []
    assert await signals(client, ME) == ["token_granted", "sync_now"]


async def test_worker_status_is_temporals_own(browser: Browser) -> None:
    await log_in(browser)

    async def figures() -> dict[str, tuple[int, int]]:
        rows = (await browser.data("{ workerStatus { queueName messageCount consumerCount } }"))["workerStatus"]
        return {row["queueName"]: (row["messageCount"], row["consumerCount"]) for row in rows}

    assert list(await figures()) == list(TASK_QUEUES)
    async with asyncio.timeout(20):
        while (await figures())["sync"] != (1, 0):  # noqa: ASYNC110 - without a worker, its first task waits
            await asyncio.sleep(0.05)


async def test_ready_when_everything_answers(browser: Browser) -> None:
    status, text = await browser.get("/readyz")
    assert (status, orjson.loads(text)) == (200, {"postgres": "ok", "redis": "ok", "temporal": "ok", "live": "ok"})


async def test_a_sync_starts_once_temporal_is_back(
    lone_settings: Settings, sso: OddSso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_requests, "RETRY_SECONDS", (0.1,) * 200)
    part, address = temporal(tmp_path, free_port(), None, durable=False)
    settings = lone_settings.model_copy(
        update={"eve_sso_url": sso.url, "esi_base_url": sso.url, "temporal_address": address}
    )
    async with serve(settings) as site, open_browser(site) as browser:
        status, page = await log_in(browser)
        assert status == 200
        assert "Your sync is about to start." in page
        assert await temporal_is(browser) != "ok"
        running = await RunningPart.start(part)
        try:
            client = await Client.connect(address)
            await prepare_temporal(client)
            async with asyncio.timeout(30):
                while not await started(client):  # noqa: ASYNC110 - Temporal's own state
                    await asyncio.sleep(0.05)
            assert await temporal_is(browser) == "ok"
        finally:
            await running.stop()
        assert await temporal_is(browser) != "ok"


async def temporal_is(browser: Browser) -> str:
    status, text = await browser.get("/readyz")
    assert status == 200, "what is stored is shown all the same"
    found: dict[str, str] = orjson.loads(text)
    return found["temporal"]


async def started(client: Client) -> bool:
    try:
        return bool(await signals(client, ME))
    except RPCError:
        return False
