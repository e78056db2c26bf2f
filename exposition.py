"""What a process tells Prometheus, and whom: the text, who may ask for it, and a worker's few pages.

Every metric of ours is declared beside the code that counts it; docs/metrics.md lists them all. Labels have values that
we know beforehand: a name or an id of somebody else's would make series without end.
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address

import aiohttp
from aiohttp import web
from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from long_lived import LongLived
from settings import Settings

LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
SDK_SECONDS = 5.0

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each one, of no use to us


def may_ask(settings: Settings, *, peer: str, named: str, headers: Mapping[str, str]) -> bool:
    """Whoever asks this machine from itself and not through a proxy that says so, or brings METRICS_TOKEN.

    Args:
        peer: the address that asks.
        named: the host it asks for: a page of another site cannot make a browser say "localhost" by a name of its own.
        headers: by lower-case name.
    """
    token = settings.metrics_token.get_secret_value()
    scheme, _, brought = headers.get("authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(brought.strip().encode(), token.encode()):
        return True
    try:
        local = ip_address(peer).is_loopback
    except ValueError:
        return False
    return local and named in LOOPBACK_NAMES and not any(name in headers for name in FORWARDED)


def exposed(*collectors: Collector) -> bytes:
    """Everything this process has counted, with what these tell, in Prometheus's text format."""
    asked = CollectorRegistry()
    for collector in collectors:
        asked.register(collector)
    return generate_latest(REGISTRY) + generate_latest(asked)


class LongLivedTasks(Collector):
    """Of this process."""

    def __init__(self, tasks: LongLived) -> None:
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("killreport_task_up", "1 while a long-lived task runs.", labels=["task"])
        restarts = CounterMetricFamily("killreport_task_restarts", "How often it was started again.", labels=["task"])
        for name, times in self._tasks.restarts.items():
            up.add_metric([name], name not in self._tasks.down)
            restarts.add_metric([name], times)
        yield up
        yield restarts


class WorkerPages:
    """A worker's `/metrics`, `/healthz` and `/readyz` on METRICS_PORT.

    Temporal's SDK serves its own metrics by itself, on a port of the loopback that is taken when this is made;
    `/metrics` tells both.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sdk_address = f"{LOOPBACK}:{_free_port()}" if settings.metrics_port else ""
        self.tasks: LongLived | None = None
        """None until Temporal and the database can be used: the worker is not ready before."""
        self.waits_for = "Temporal has not answered yet."
        """Why there are no tasks yet."""

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """While the worker runs; nothing where METRICS_PORT is 0.

        Raises:
            OSError: METRICS_PORT cannot be used.
        """
        if not self._settings.metrics_port:
            yield
            return
        pages = web.Application()
        pages.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._lives),
                web.get("/readyz", self._is_ready),
            ]
        )
        runner = web.AppRunner(pages, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.host, self._settings.metrics_port).start()
            yield
        finally:
            await runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        named = (request.url.host or "").lower()
        if not may_ask(self._settings, peer=request.remote or "", named=named, headers=headers):
            raise web.HTTPNotFound
        tasks = self.tasks
        text = exposed(*([] if tasks is None else [LongLivedTasks(tasks)])) + await self._of_the_sdk()
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    async def _of_the_sdk(self) -> bytes:
        """Nothing until the worker has tried to reach Temporal for the first time."""
        timeout = aiohttp.ClientTimeout(total=SDK_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://{self.sdk_address}/metrics") as answer,
            ):
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return b""

    async def _lives(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _is_ready(self, _: web.Request) -> web.Response:
        if self.tasks is None:
            return web.json_response({"queues": self.waits_for}, status=503)
        if down := self.tasks.down:
            return web.json_response({"queues": f"to be started again: {', '.join(down)}."}, status=503)
        return web.json_response({"queues": "ok"})


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        port: int = one.getsockname()[1]
        return port
