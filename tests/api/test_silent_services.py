"""Postgres and Redis that are there and say nothing, as a frozen machine or a half-open network does."""

from __future__ import annotations

import asyncio
import html
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import orjson
import psutil
import pytest
from yarl import URL

from db.migrate import migrate
from sandbox.postgres import postgres
from sandbox.process import RunningPart, free_port
from sandbox.valkey import valkey
from tests.api.live.socket_client import open_socket
from tests.api.running_site import Browser, Site, open_browser, serve, settings_for

PILOT = 2_119_000_050
AT_MOST = 5.0
"""Seconds until whoever asks has an answer."""


@dataclass
class Outage:
    """A site whose Postgres and Redis are its own, and can be stopped without a word."""

    site: Site
    pilot: Browser
    stranger: Browser
    postgres: RunningPart
    redis: RunningPart


@pytest.fixture(scope="module")
async def outage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outage]:
    directory: Path = tmp_path_factory.mktemp("silent")
    database, database_url = postgres(directory, free_port(), durable=False)
    events, redis_url = valkey(directory, free_port())
    running, redis = await RunningPart.start(database), await RunningPart.start(events)
    try:
        await migrate(database_url)
        settings = settings_for(database_url, redis_url)
        async with serve(settings) as site, open_browser(site) as pilot, open_browser(site) as stranger:
            await pilot.sign_in(await site.add_pilot(PILOT))
            yield Outage(site, pilot, stranger, running, redis)
    finally:
        await running.stop()
        await redis.stop()


@asynccontextmanager
async def frozen(part: RunningPart) -> AsyncIterator[None]:
    """It keeps every connection, takes new ones, and answers none."""
    head = psutil.Process(part.process.pid)
    family = [head, *head.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            os.kill(process.pid, signal.SIGCONT)


async def _asked(browser: Browser, path: str) -> tuple[float, int, str, str | None]:
    began = time.monotonic()
    async with browser.http.get(f"{browser.site.address}{path}", allow_redirects=False) as response:
        return time.monotonic() - began, response.status, await response.text(), response.headers.get("Retry-After")


async def _answers(site: Site) -> None:
    async with asyncio.timeout(20):
        while site.services.pulse.silent:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


PAGES = ("/", "/settings", f"/characters/{PILOT}", "/killmails/1", "/search?q=x", "/status", "/auth/login?moved=1")


async def test_whoever_waits_for_a_silent_postgres_is_answered_in_time(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    export = "/export/killmails.csv"
    query = "/graphql?query={me{id}}"
    anonymous = "/graphql?query={syncHealth{users}}"
    with caplog.at_level(logging.ERROR):
        async with frozen(outage.postgres):
            # More than the pool has connections, at the moment of the outage and again when it is known.
            for _ in range(2):
                found = await asyncio.gather(*(_asked(outage.pilot, path) for path in (*PAGES, export, query) * 3))
                for took, status, text, retry_after in found:
                    assert (status, retry_after) == (503, "5")
                    assert "The database is not responding" in text
                    assert took < AT_MOST
            took, status, text, retry_after = await _asked(outage.stranger, anonymous)
            assert (status, retry_after) == (503, "5")
            error = orjson.loads(text)["errors"][0]
            assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
            assert took < 1, "known by now"
            for path in ("/", "/static/site.css", "/healthz"):
                took, status, _, _ = await _asked(outage.stranger, path)
                assert (path, status) == (path, 200)
                assert took < 1
        await _answers(outage.site)
        for path in PAGES[:2]:
            assert (await _asked(outage.pilot, path))[1] == 200
    assert not caplog.records, "an outage is no fault of ours"


@pytest.mark.parametrize("asked", ["/auth/callback?code=abc&state=def", "/?side=losses&solo=1"])
async def test_what_fails_by_it_is_asked_for_again_as_it_was(outage: Outage, asked: str) -> None:
    """A login above all: EVE sends each browser back once."""
    address = f"{outage.site.address}{asked}"
    async with frozen(outage.postgres), outage.pilot.http.get(address, allow_redirects=False) as response:
        assert response.status == 503
        link = f'<a class="button primary" href="{html.escape(asked)}">Try again</a>'
        assert link in await response.text()
        assert response.headers["Referrer-Policy"] == "no-referrer"
    await _answers(outage.site)


async def test_readiness_is_told_at_once_and_truly(outage: Outage) -> None:
    async with frozen(outage.postgres):
        for limit in (3.0, 3.0, 3.0):
            took, status, text, _ = await _asked(outage.stranger, "/readyz")
            assert status == 503
            found = orjson.loads(text)
            assert found["postgres"].startswith("postgres did not answer") or "DatabaseSilent" in found["postgres"]
            assert found["redis"] == "ok"
            assert took < limit
    await _answers(outage.site)


async def test_a_socket_that_opens_in_an_outage_is_told_to_come_again(outage: Outage) -> None:
    async with frozen(outage.postgres), open_socket(outage.pilot) as socket:
        began = time.monotonic()
        await socket.send({"type": "connection_init"})
        assert await socket.closed_with() == 1013
        assert time.monotonic() - began < AT_MOST
    await _answers(outage.site)


async def test_the_pool_is_whole_again_after_a_silence(outage: Outage) -> None:
    async with frozen(outage.postgres):
        waiting = [asyncio.create_task(_asked(outage.pilot, "/")) for _ in range(30)]
        assert {status for _, status, _, _ in await asyncio.gather(*waiting)} == {503}
    await _answers(outage.site)

    holding = [await outage.site.pool.acquire() for _ in range(outage.site.pool.get_max_size())]
    began = time.monotonic()
    took, status, _, _ = await _asked(outage.pilot, "/")
    assert (status, took < AT_MOST) == (503, True), "nobody waits long for a busy pool either"
    assert time.monotonic() - began > 1
    for connection in holding:
        await outage.site.pool.release(connection)
    assert (await _asked(outage.pilot, "/"))[1] == 200


async def test_a_slow_statement_is_no_silence(outage: Outage) -> None:
    began = time.monotonic()
    await outage.site.pool.execute("SELECT pg_sleep(3.5)")
    assert time.monotonic() - began >= 3.5
    assert not outage.site.services.pulse.silent


async def test_cut_connections_are_no_fault_of_ours(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            admin = await asyncpg.connect(outage.site.services.settings.database_url)
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND usename = user"
            )
            await admin.close()
            found = await asyncio.gather(*(_asked(outage.pilot, "/") for _ in range(5)))
            assert {status for _, status, _, _ in found} <= {200, 503}
        await _answers(outage.site)
        async with asyncio.timeout(20):
            while (await _asked(outage.pilot, "/"))[1] != 200:
                pass
    assert not caplog.records


async def test_a_silent_redis_keeps_nobody(outage: Outage) -> None:
    async with frozen(outage.redis):
        for path in ("/status", "/", "/graphql?query={me{id}}", "/graphql?query={syncHealth{budgets{group}}}"):
            took, _, text, _ = await _asked(outage.pilot, path)
            assert took < AT_MOST, path
            if path == "/status":
                assert took < 3.5
                assert "Live updates are not working" in text
        sha = "a" * 64
        extension = orjson.dumps({"persistedQuery": {"version": 1, "sha256Hash": sha}}).decode()
        took, _, text, _ = await _asked(outage.pilot, str(URL("/graphql").with_query(extensions=extension)))
        assert took < 2
        assert "PersistedQueryNotFound" in text
        took, status, text, _ = await _asked(outage.stranger, "/readyz")
        found = orjson.loads(text)
        assert (status, found["postgres"]) == (200, "ok")
        assert found["redis"] != "ok"
        assert took < 3
