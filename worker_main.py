"""One worker process: all workflows and activities, each queue with its own worker and limits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import (
    FixedSizeSlotSupplier,
    PollerBehaviorAutoscaling,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkerDeploymentConfig,
    WorkerTuner,
)

from activities.errors import FailureInterceptor
from activities.heartbeat import HeartbeatInterceptor
from activities.opening import open_services
from activities.services import Services, activities_of
from contracts.activities import POLICIES
from contracts.task_queues import (
    BACKFILL_QUEUE,
    DETAILS_QUEUE,
    ENRICHMENT_QUEUE,
    KILLMAILS_QUEUE,
    SYNC_QUEUE,
    TASK_QUEUES,
)
from contracts.values import PRICE_SNAPSHOT_ID
from db.schema import DatabaseIsOlder, Schema
from exposition import WorkerPages
from long_lived import LongLived
from observability import temporal_runtime
from settings import Settings
from temporal.connection import connect_temporal
from temporal.deployments import worker_version
from temporal.schedules import has_watchdog, prepare_temporal, trigger_schedule, trigger_watchdog
from temporal.workflow_slots import WorkflowSlots
from tracing import temporal_interceptors
from workflows.archive import ArchiveDay, ArchiveFollow, ArchiveHistory
from workflows.corporation_sync import CorporationSync
from workflows.departure import DepartureWorkflow
from workflows.enrichment import Enrichment as EnrichmentWorkflow
from workflows.live_killmails import LiveKillmails
from workflows.market import MarketHistory
from workflows.name_refresh import NameRefresh
from workflows.naming import KillmailNaming
from workflows.prices import PriceSnapshot, Revaluation
from workflows.static_data import StaticDataFollow
from workflows.upkeep import DailyFullSync, Housekeeping, Sums
from workflows.user_sync import UserSync
from workflows.watchdog import Watchdog
from workflows.webhook import WebhookWorkflow
from workflows.zkillboard_import import ZkillboardImport

logger = logging.getLogger(__name__)

CACHED_WORKFLOWS = 10_000
"""More than the users one process looks after: below that each look costs three times as much (measured)."""
GRACEFUL_SHUTDOWN = timedelta(seconds=30)
CONNECT_AGAIN_SECONDS = (1.0, 30.0)
SCHEMA_EVERY_SECONDS = 2.0
"""How often a database that is still to be migrated is looked at."""
SCHEDULES_EVERY_SECONDS = 10.0
"""How soon a Temporal that came back without its data is noticed."""
AT_ONCE = {
    SYNC_QUEUE: 50,
    KILLMAILS_QUEUE: 12,
    ENRICHMENT_QUEUE: 12,
    DETAILS_QUEUE: 6,
    BACKFILL_QUEUE: 4,
}
"""Activities of each queue that this process does at a time."""
PATIENCE_SECONDS = (5.0, 60.0)
"""How long, at least and at most, a task waits for the worker that remembers its workflow; `patience` says why."""
LOOKS_AT_ONCE = 32
"""Workflows that wait for EVE within their task. On a machine that is full, more of them would be late together."""
WORKFLOWS: list[type] = [
    UserSync,
    CorporationSync,
    PriceSnapshot,
    MarketHistory,
    Revaluation,
    StaticDataFollow,
    Watchdog,
    DailyFullSync,
    Housekeeping,
    Sums,
    EnrichmentWorkflow,
    NameRefresh,
    ZkillboardImport,
    ArchiveDay,
    ArchiveFollow,
    ArchiveHistory,
    LiveKillmails,
    DepartureWorkflow,
    KillmailNaming,
    WebhookWorkflow,
]


async def run_worker(
    settings: Settings, stop: asyncio.Event, client: Client | None = None, queues: Collection[str] = TASK_QUEUES
) -> None:
    """Serve these queues until `stop` is set, then finish what is under way.

    Temporal is waited for if it cannot be reached yet, and `killreport migrate` if the database is older than this
    program, which would fail on it at all that is new; Postgres and Redis must answer. A queue's worker that Temporal
    sends away (its namespace is not there yet, a permission is missing) is made anew, again and again.

    Raises:
        OSError, asyncpg.PostgresError, redis.exceptions.RedisError: a backing service does not answer.
    """
    async with contextlib.AsyncExitStack() as stack:
        pages = WorkerPages(settings)
        await stack.enter_async_context(pages.served())
        client = client or await _connect_patiently(settings, stop, pages.sdk_address)
        if client is None:
            return
        services = await stack.enter_async_context(open_services(settings, client))
        if not await _is_migrated(services.pool, pages, stop):
            return
        pages.tasks = tasks = LongLived()
        stack.push_async_callback(tasks.end)
        version = worker_version(settings)
        waits = patience(await pilots_known(services.pool) / settings.sync_interval_seconds)
        served = {queue: found for queue, found in activities_by_queue(services, settings).items() if queue in queues}
        for queue, activities in served.items():
            limit = activities_per_second(settings, queue)
            worker = partial(queue_worker, client, queue, activities, version, limit, waits)
            tasks.start(f"worker of {queue}", partial(_serve, worker, stop))
        logger.info("The worker serves %s%s.", ", ".join(served), f" as version {version.build_id}" if version else "")
        tasks.start("schedules", partial(_keep_schedules, client, stop))
        await stop.wait()
        logger.info("The worker stops; what is under way is finished first.")


async def _serve(worker: Callable[[], Worker], stop: asyncio.Event) -> None:
    async with worker():
        await stop.wait()


def activities_by_queue(services: Services, settings: Settings) -> dict[str, list[Callable[..., Any]]]:
    """What each queue serves; `contracts/activities.py` says so."""
    served: dict[str, list[Callable[..., Any]]] = {queue: [] for queue in AT_ONCE}
    for activity in activities_of(services, settings):
        served[POLICIES[activity.__name__].queue].append(activity)
    return served


def activities_per_second(settings: Settings, queue: str) -> float | None:
    """The limit of a queue, which Temporal's server keeps; if workers differ, the one that asked last is obeyed."""
    limit: float = getattr(settings, f"{queue}_activities_per_second")
    return limit or None


async def pilots_known(pool: asyncpg.Pool) -> int:
    """Everybody who has logged in and not left."""
    known: int = await pool.fetchval("SELECT count(*) FROM users")
    return known


def patience(looks_per_second: float) -> timedelta:
    """How long a task waits for the worker that remembers its workflow, before any worker may have it.

    A worker that ends leaves the tasks of its last seconds waiting for so long: where few look, it is short. Where many
    do, some are late now and then, and a task that is given up costs Temporal as much again: with 5 s, whoever fell
    behind stayed behind (measured: decision 63). A second for each look that is due in one.
    """
    least, most = PATIENCE_SECONDS
    return timedelta(seconds=min(max(looks_per_second, least), most))


def queue_worker(
    client: Client,
    queue: str,
    activities: list[Callable[..., Any]],
    version: WorkerDeploymentVersion | None = None,
    per_second: float | None = None,
    waits: timedelta = timedelta(seconds=PATIENCE_SECONDS[0]),
) -> Worker:
    """The worker of one queue, with the limits of production. Workflows are served from `sync`.

    They run without the SDK's sandbox, on which a worker spent a fifth of its time (measured). What it finds, code that
    is not deterministic, the tests find: they run and replay every workflow in it.

    Args:
        version: takes work only of this version; None: of any.
        per_second: activities of the queue that may begin, whoever serves it; None: as many as there are.
        waits: `patience`.
    """
    pollers = PollerBehaviorAutoscaling(minimum=1, maximum=10, initial=2)
    threads = max(4 * (os.cpu_count() or 1), 8)
    return Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS if queue == SYNC_QUEUE else [],
        activities=activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[HeartbeatInterceptor(), FailureInterceptor()],
        max_cached_workflows=CACHED_WORKFLOWS,
        # We have no external storage; at more than one, each payload is a task of asyncio's that does nothing.
        max_workflow_task_external_storage_concurrency=1,
        # Workflow tasks share one interpreter lock: more threads only make each of them slower.
        workflow_task_executor=ThreadPoolExecutor(threads, thread_name_prefix="workflows"),
        tuner=WorkerTuner.create_composite(
            workflow_supplier=WorkflowSlots(LOOKS_AT_ONCE, threads),
            activity_supplier=FixedSizeSlotSupplier(AT_ONCE[queue]),
            local_activity_supplier=FixedSizeSlotSupplier(LOOKS_AT_ONCE),
            nexus_supplier=FixedSizeSlotSupplier(1),
        ),
        max_task_queue_activities_per_second=per_second,
        workflow_task_poller_behavior=pollers,
        activity_task_poller_behavior=pollers,
        sticky_queue_schedule_to_start_timeout=waits,
        max_heartbeat_throttle_interval=timedelta(seconds=5),
        default_heartbeat_throttle_interval=timedelta(seconds=5),
        graceful_shutdown_timeout=GRACEFUL_SHUTDOWN,
        deployment_config=None if version is None else _pinned(version),
    )


def _pinned(version: WorkerDeploymentVersion) -> WorkerDeploymentConfig:
    return WorkerDeploymentConfig(version, True, default_versioning_behavior=VersioningBehavior.PINNED)


async def _connect_patiently(settings: Settings, stop: asyncio.Event, metrics_address: str) -> Client | None:
    """None if we are to stop before Temporal could be reached."""
    runtime = temporal_runtime(metrics_address)
    delay, longest = CONNECT_AGAIN_SECONDS
    while not stop.is_set():
        try:
            return await connect_temporal(settings, runtime=runtime, interceptors=temporal_interceptors())
        except (RuntimeError, RPCError) as error:
            logger.warning(
                "Temporal at %s cannot be reached (%s); trying again in %.0f s.",
                settings.temporal_address,
                error,
                delay,
            )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay)
        delay = min(delay * 2, longest)
    return None


async def _is_migrated(pool: asyncpg.Pool, pages: WorkerPages, stop: asyncio.Event) -> bool:
    """Waits until it is; False if we are to stop before."""
    schema = Schema()
    while not stop.is_set():
        try:
            await schema.check(pool)
        except DatabaseIsOlder as error:
            pages.waits_for = str(error)
        else:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SCHEMA_EVERY_SECONDS)
    return False


async def _keep_schedules(client: Client, stop: asyncio.Event) -> None:
    """Start the watchdog now, and again wherever Temporal has lost its data: then nothing else would run there."""
    started = False
    while not stop.is_set():
        try:
            if not started or not await has_watchdog(client):
                await _start_watchdog_and_prices(client)
                started = True
        except RPCError as error:
            logger.warning("The watchdog could not be looked after (%s); its schedule starts it.", error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SCHEDULES_EVERY_SECONDS)


async def _start_watchdog_and_prices(client: Client) -> None:
    if not await trigger_watchdog(client):
        for change in await prepare_temporal(client):
            logger.warning("Temporal was not prepared, or has lost its data. %s", change)
        await trigger_watchdog(client)
    # A new installation has no prices yet; one that has the day's asks for none.
    await trigger_schedule(client, PRICE_SNAPSHOT_ID)
