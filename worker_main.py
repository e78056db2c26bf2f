"""One worker process: all workflows and activities, each queue with its own worker and limits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import redis.asyncio
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.access_tokens import AccessTokens
from activities.aged_names import AgedNames
from activities.bodies import KillmailBodies
from activities.corporations import Corporations
from activities.departures import Departures
from activities.details import AtOnce, Details
from activities.discovery import KillmailDiscovery
from activities.enrichment import Enrichment
from activities.errors import FailureInterceptor
from activities.imports import Imports
from activities.runs import Runs
from activities.upkeep import Upkeep
from activities.values import Values
from activities.watch import Watch
from contracts.task_queues import BACKFILL_QUEUE, DETAILS_QUEUE, ENRICHMENT_QUEUE, KILLMAILS_QUEUE, SYNC_QUEUE
from contracts.values import PRICE_SNAPSHOT_ID
from db.accounts.vault import TokenVault
from db.pool import open_pool
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from eve.sso.client import Sso
from eve.zkillboard.client import Zkillboard
from eve.zkillboard.turns import Turns
from live import LiveEvents
from observability import temporal_runtime
from settings import Settings
from temporal.connection import connect_temporal
from temporal.schedules import trigger_schedule, trigger_watchdog
from temporal.universe import wake_enrichment
from workflows.corporation_sync import CorporationSync
from workflows.departure import DepartureWorkflow
from workflows.enrichment import Enrichment as EnrichmentWorkflow
from workflows.name_refresh import NameRefresh
from workflows.naming import KillmailNaming
from workflows.prices import PriceSnapshot, Revaluation
from workflows.upkeep import DailyFullSync, Housekeeping
from workflows.user_sync import UserSync
from workflows.watchdog import Watchdog
from workflows.zkillboard_import import ZkillboardImport

logger = logging.getLogger(__name__)

CACHED_WORKFLOWS = 10_000
"""More than the users one process looks after: below that each cycle costs three times as much (measured)."""
GRACEFUL_SHUTDOWN = timedelta(seconds=30)
CONNECT_AGAIN_SECONDS = (1.0, 30.0)
POOL_SIZE = 20
WORKFLOWS: list[type] = [
    UserSync,
    CorporationSync,
    PriceSnapshot,
    Revaluation,
    Watchdog,
    DailyFullSync,
    Housekeeping,
    EnrichmentWorkflow,
    NameRefresh,
    ZkillboardImport,
    DepartureWorkflow,
    KillmailNaming,
]


@dataclass(frozen=True, slots=True)
class Queue:
    """What one queue of this process serves, and how much of it at a time."""

    name: str
    activities: list[Callable[..., Any]]
    activities_at_once: int
    workflows: list[type]


def workflow_runner() -> SandboxedWorkflowRunner:
    """The production sandbox; modules that hold only data and pure functions are shared by all workflows."""
    shared = ("calls", "failures", "import_calls", "universe_calls")
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "contracts", *(f"workflows.{name}" for name in shared)
        )
    )


async def run_worker(settings: Settings, stop: asyncio.Event, client: Client | None = None) -> None:
    """Serve every queue until `stop` is set, then finish what is under way.

    Temporal is waited for if it cannot be reached yet; Postgres and Redis must answer.

    Raises:
        OSError, asyncpg.PostgresError, redis.exceptions.RedisError: a backing service does not answer.
    """
    client = client or await _connect_patiently(settings, stop)
    if client is None:
        return
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await open_pool(settings.database_url, max_size=POOL_SIZE))
        session = await stack.enter_async_context(open_session(settings))
        events = redis.asyncio.from_url(settings.redis_url)
        stack.push_async_callback(events.aclose)
        await events.ping()
        esi = Esi(session, Budget(events), settings.esi_base_url, settings.eve_client_id)
        zkillboard = Zkillboard(session, Turns(events, settings.zkillboard_interval_seconds), settings.zkillboard_url)
        served = queues(
            pool,
            esi,
            Sso(session, settings),
            TokenVault.from_settings(settings),
            LiveEvents(events),
            client,
            settings.sync_interval_seconds,
            zkillboard=zkillboard,
            runs_kept=timedelta(days=settings.runs_kept_days),
            login_events_kept=timedelta(days=settings.login_events_kept_days),
            at_once=AtOnce(
                settings.characters_at_once,
                settings.corporations_at_once,
                settings.alliances_at_once,
                settings.types_at_once,
            ),
            idle_pilots=settings.idle_pilots,
        )
        for queue in served:
            await stack.enter_async_context(queue_worker(client, queue))
        logger.info("The worker serves %s.", ", ".join(queue.name for queue in served))
        await _look_after_users_now(client)
        await stop.wait()
        logger.info("The worker stops; what is under way is finished first.")


def queues(
    pool: asyncpg.Pool,
    esi: Esi,
    sso: Sso,
    vault: TokenVault,
    live: LiveEvents,
    client: Client,
    sync_interval_seconds: int,
    *,
    zkillboard: Zkillboard,
    runs_kept: timedelta = timedelta(days=90),
    login_events_kept: timedelta = timedelta(days=180),
    at_once: AtOnce = AtOnce(),  # noqa: B008 - frozen
    idle_pilots: bool = False,
) -> list[Queue]:
    """Every activity with what it needs, by the queue it is served from."""
    wake = partial(wake_enrichment, client)
    runs, enrichment = Runs(pool, live), Enrichment(pool, esi, live, wake)
    details = Details(pool, esi, at_once)
    values = Values(pool, esi)
    upkeep = Upkeep(pool, client, runs_kept=runs_kept, login_events_kept=login_events_kept)
    tokens = AccessTokens(pool, sso, vault, live)
    corporations = Corporations(pool, esi, tokens, vault, live)
    imports = Imports(pool, zkillboard, live)
    deciding: list[Callable[..., Any]] = [
        tokens.ensure_access_token,
        corporations.discover_corporation_killmails,
        corporations.finish_corporation_run,
        corporations.record_corporation_state,
        KillmailDiscovery(pool, esi, vault, live, idle_pilots=idle_pilots).discover_killmails,
        runs.finish_run,
        runs.record_sync_state,
        Watch(pool, client, sync_interval_seconds).watch_users,
        imports.begin_zkillboard_import,
        imports.note_zkillboard_import,
        imports.finish_zkillboard_import,
        upkeep.ask_for_full_syncs,
        upkeep.delete_what_is_old,
        Departures(pool, client, sso, vault).finish_departure,
    ]
    enriching: list[Callable[..., Any]] = [
        enrichment.name_entities,
        enrichment.describe_solar_systems,
        values.take_price_snapshot,
        values.appraise_killmails,
    ]
    return [
        Queue(SYNC_QUEUE, deciding, 50, WORKFLOWS),
        Queue(KILLMAILS_QUEUE, [KillmailBodies(pool, esi, live).fetch_killmails], 12, []),
        Queue(ENRICHMENT_QUEUE, enriching, 12, []),
        Queue(
            DETAILS_QUEUE,
            [
                details.describe_characters,
                details.describe_corporations,
                details.describe_alliances,
                details.describe_types,
                details.describe_places,
                AgedNames(pool, esi, wake).refresh_names,
            ],
            6,
            [],
        ),
        Queue(BACKFILL_QUEUE, [imports.count_zkillboard_page, imports.import_zkillboard_page], 4, []),
    ]


def queue_worker(client: Client, queue: Queue) -> Worker:
    """The worker of one queue, with the limits and the sandbox of production."""
    pollers = PollerBehaviorAutoscaling(minimum=1, maximum=10, initial=2)
    return Worker(
        client,
        task_queue=queue.name,
        workflows=queue.workflows,
        activities=queue.activities,
        workflow_runner=workflow_runner(),
        interceptors=[FailureInterceptor()],
        max_cached_workflows=CACHED_WORKFLOWS,
        # Workflow tasks share one interpreter lock: more threads only make each of them slower.
        max_concurrent_workflow_tasks=max(4 * (os.cpu_count() or 1), 8),
        max_concurrent_activities=queue.activities_at_once,
        workflow_task_poller_behavior=pollers,
        activity_task_poller_behavior=pollers,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
        max_heartbeat_throttle_interval=timedelta(seconds=5),
        default_heartbeat_throttle_interval=timedelta(seconds=5),
        graceful_shutdown_timeout=GRACEFUL_SHUTDOWN,
    )


async def _connect_patiently(settings: Settings, stop: asyncio.Event) -> Client | None:
    """None if we are to stop before Temporal could be reached."""
    runtime = temporal_runtime(settings, metrics=True)
    delay, longest = CONNECT_AGAIN_SECONDS
    while not stop.is_set():
        try:
            return await connect_temporal(settings, runtime=runtime)
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


async def _look_after_users_now(client: Client) -> None:
    try:
        if not await trigger_watchdog(client):
            logger.warning("The watchdog has no schedule: run `killreport migrate`.")
        # A new installation has no prices yet; one that has the day's asks for none.
        await trigger_schedule(client, PRICE_SNAPSHOT_ID)
    except RPCError as error:
        logger.warning("The watchdog could not be started (%s); its schedule will.", error)
