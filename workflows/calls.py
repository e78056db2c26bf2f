"""The activities a workflow asks for, by name: each with its queue, time-outs, retries and summary.

One place, so that how long anything may take and how often it is tried can be read at a glance. Failures
arrive as `ActivityError` whose cause carries a `FailureType`.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

from contracts.sync import (
    AccessTokenReady,
    DiscoverKillmails,
    Discovery,
    EnsureAccessToken,
    FetchedKillmails,
    FetchKillmails,
    FinishRun,
    NamedEntities,
    NameEntities,
    RecordSyncState,
    RunAccount,
)
from contracts.task_queues import ENRICHMENT_QUEUE, KILLMAILS_QUEUE, SYNC_QUEUE
from contracts.upkeep import WatchdogReport
from contracts.values import AppraisedKillmails, AppraiseKillmails, PricesTaken

# Six attempts within about a minute and a half; after that the cycle, not the user, is called degraded.
RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.5,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=6,
)
CLOSE = timedelta(minutes=10)
"""However often it is tried and however long it queues."""
HEARTBEAT = timedelta(seconds=15)
"""A worker that says nothing for so long is dead, and another takes over."""


async def ensure_access_token(request: EnsureAccessToken, priority: Priority) -> AccessTokenReady:
    answer: AccessTokenReady = await workflow.execute_activity(
        "ensure_access_token",
        request,
        result_type=AccessTokenReady,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(seconds=45),
        schedule_to_close_timeout=CLOSE,
        retry_policy=RETRIES,
        priority=priority,
        summary="make sure EVE lets us in",
    )
    return answer


async def discover_killmails(request: DiscoverKillmails, priority: Priority) -> Discovery:
    answer: Discovery = await workflow.execute_activity(
        "discover_killmails",
        request,
        result_type=Discovery,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(minutes=3),
        schedule_to_close_timeout=CLOSE,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRIES,
        priority=priority,
        summary="read the whole killmail list" if request.full else "look at the killmail list",
    )
    return answer


async def fetch_killmails(request: FetchKillmails, priority: Priority) -> FetchedKillmails:
    answer: FetchedKillmails = await workflow.execute_activity(
        "fetch_killmails",
        request,
        result_type=FetchedKillmails,
        task_queue=KILLMAILS_QUEUE,
        start_to_close_timeout=timedelta(minutes=3),
        schedule_to_close_timeout=CLOSE * 3,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRIES,
        priority=priority,
        summary=f"fetch {len(request.killmail_ids)} killmails",
    )
    return answer


async def name_entities(request: NameEntities, priority: Priority) -> NamedEntities:
    return await _enrich("name_entities", request, priority, f"name what {len(request.killmail_ids)} killmails mention")


async def describe_solar_systems(request: NameEntities, priority: Priority) -> NamedEntities:
    return await _enrich(
        "describe_solar_systems", request, priority, f"describe where {len(request.killmail_ids)} killmails happened"
    )


async def finish_run(request: FinishRun, priority: Priority) -> RunAccount:
    answer: RunAccount = await workflow.execute_activity(
        "finish_run",
        request,
        result_type=RunAccount,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(seconds=45),
        schedule_to_close_timeout=CLOSE,
        retry_policy=RETRIES,
        priority=priority,
        summary="put the run on record",
    )
    return answer


async def record_sync_state(request: RecordSyncState, priority: Priority) -> None:
    await workflow.execute_activity(
        "record_sync_state",
        request,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(seconds=45),
        schedule_to_close_timeout=CLOSE,
        retry_policy=RETRIES,
        priority=priority,
        summary=f"show the pilot: {request.state}",
    )


async def watch_users() -> WatchdogReport:
    answer: WatchdogReport = await workflow.execute_activity(
        "watch_users",
        result_type=WatchdogReport,
        task_queue=SYNC_QUEUE,
        start_to_close_timeout=timedelta(minutes=4),
        schedule_to_close_timeout=timedelta(minutes=5),
        heartbeat_timeout=timedelta(seconds=30),
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=5), maximum_attempts=3),
        summary="compare users with their workflows",
    )
    return answer


async def take_price_snapshot(priority: Priority) -> PricesTaken:
    answer: PricesTaken = await workflow.execute_activity(
        "take_price_snapshot",
        result_type=PricesTaken,
        task_queue=ENRICHMENT_QUEUE,
        start_to_close_timeout=timedelta(minutes=3),
        schedule_to_close_timeout=CLOSE,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRIES,
        priority=priority,
        summary="keep the day's market prices",
    )
    return answer


async def appraise_killmails(request: AppraiseKillmails, priority: Priority) -> AppraisedKillmails:
    answer: AppraisedKillmails = await workflow.execute_activity(
        "appraise_killmails",
        request,
        result_type=AppraisedKillmails,
        task_queue=ENRICHMENT_QUEUE,
        start_to_close_timeout=timedelta(minutes=5),
        heartbeat_timeout=HEARTBEAT,
        # Its only need is our own database: an outage of an hour is waited for, so that no work is lost.
        retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1), maximum_attempts=65),
        priority=priority,
        summary=f"value killmails above {request.after_killmail_id}",
    )
    return answer


async def _enrich(name: str, request: NameEntities, priority: Priority, summary: str) -> NamedEntities:
    answer: NamedEntities = await workflow.execute_activity(
        name,
        request,
        result_type=NamedEntities,
        task_queue=ENRICHMENT_QUEUE,
        start_to_close_timeout=timedelta(minutes=2),
        schedule_to_close_timeout=CLOSE,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRIES,
        priority=priority,
        summary=summary,
    )
    return answer
