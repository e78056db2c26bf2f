"""`killreport api` and `killreport worker`: one long-running process each, stopped gracefully by SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Collection

from temporalio.runtime import Runtime

from db.failures import DATABASE_FAILURES
from observability import configure_logging, temporal_runtime
from operations.connections import database, reason
from operations.error_reports import start_error_reports
from operations.failure import OperationFailed
from redis_client import REDIS_IS_AWAY, BadRedisUrl, open_redis
from settings import Settings
from tracing import TracingMissing, start_tracing, traced

GRACE_SECONDS = 10
"""How long open requests and subscriptions may take to end after the API was asked to stop."""

logger = logging.getLogger(__name__)


def serve_api(settings: Settings) -> None:
    """Serve the site and GraphQL until asked to stop.

    Raises:
        OperationFailed: the port is taken, Postgres cannot be used, or the API could not start.
    """
    # Only this command needs the API's libraries; the others start faster.
    from api.app import create_app
    from api.serving.patience import Server, server_config

    configure_logging(settings)
    start_error_reports(settings, "api")
    _start_tracing("killreport-api")
    _collect_less()
    Runtime.set_default(temporal_runtime(), error_if_already_set=False)
    listener = _listen(settings)
    try:
        asyncio.run(_check_services(settings))
    except OperationFailed:
        listener.close()
        raise
    server = Server(server_config(traced(create_app(settings)), settings, grace_seconds=GRACE_SECONDS))
    # uvicorn stops gracefully on a signal and then raises it again, for whoever listened before: a clean
    # stop is an exit status of 0, so these handlers do nothing.
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop_signal, lambda *_: None)
    with listener:
        logger.info("The site is at %s", settings.site_url)
        server.run(sockets=[listener])
    if not server.started:
        raise OperationFailed("The API could not start; the log above says why.")


async def work(settings: Settings, queues: Collection[str]) -> None:
    """Serve these task queues until asked to stop; a second signal ends the process at once.

    Raises:
        OperationFailed: a backing service does not answer at the start, or METRICS_PORT cannot be used.
    """
    from worker_main import run_worker

    configure_logging(settings)
    start_error_reports(settings, "worker")
    _start_tracing("killreport-worker")
    await _check_services(settings)
    _collect_less()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked_to_stop(name: str) -> None:
        if stop.is_set():
            logger.warning("%s again: ending at once; Temporal will repeat what was under way", name)
            os._exit(1)
        logger.info("%s: finishing what is under way", name)
        stop.set()

    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stop_signal, asked_to_stop, stop_signal.name)
    try:
        await run_worker(settings, stop, queues=queues)
    except (*REDIS_IS_AWAY, *DATABASE_FAILURES, RuntimeError, ValueError) as error:
        logger.debug("The worker ended", exc_info=error)
        raise OperationFailed(f"The worker ended: {reason(error)} ({type(error).__name__}).") from error


def _collect_less() -> None:
    """Keep what was imported out of the garbage collector's way: a full collection stops all threads meanwhile."""
    gc.collect()
    gc.freeze()


def _start_tracing(service: str) -> None:
    try:
        start_tracing(service)
    except TracingMissing as error:
        raise OperationFailed(str(error)) from error


async def _check_services(settings: Settings) -> None:
    """Say in one sentence what cannot be used, before libraries say it in many. Redis may be away for a while."""
    async with database(settings):
        pass
    try:
        await open_redis(settings.redis_url).aclose()
    except BadRedisUrl as error:
        raise OperationFailed(f"REDIS_URL {error}.") from error


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise OperationFailed(
            f"PORT {settings.port} on {settings.host} cannot be used: {why}."
            " Stop the program that listens there, or set PORT (or HOST) to another value."
        ) from error
