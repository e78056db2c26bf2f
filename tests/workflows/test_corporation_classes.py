"""What a corporation's look fetches as history and what as its day, and with which urgency."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from contracts.call_classes import CallClass
from contracts.corporations import DiscoverCorporation, FinishCorporationRun, RecordCorporationState
from contracts.sync import Discovery, FetchedKillmails, FetchKillmails, RunAccount
from contracts.task_queues import ENRICHMENT_QUEUE, KILLMAILS_QUEUE, SYNC_QUEUE
from temporal.corporation_sync import signal_corporation_sync, start_or_wake_corporation
from tests.workflows.stand_ins import StandIns
from tests.workflows.strict import strict_runner
from tests.workflows.waiting import CORPORATION, after, until_corporation
from worker_main import WORKFLOWS


@dataclass
class Corporation:
    """Its list, one look after another, and what was fetched of it."""

    looks: list[list[int]]
    fetched: list[tuple[CallClass, int | None, int | None]] = field(default_factory=list)

    @activity.defn
    async def discover_corporation_killmails(self, request: DiscoverCorporation) -> Discovery:  # noqa: ARG002
        return Discovery(run_id=1, killmail_ids=self.looks.pop(0)) if self.looks else Discovery(unchanged=True)

    @activity.defn
    async def fetch_killmails(self, request: FetchKillmails) -> FetchedKillmails:
        self.fetched.append((request.call_class, activity.info().priority.priority_key, request.claimed_by))
        return FetchedKillmails(len(request.killmail_ids))

    @activity.defn
    async def finish_corporation_run(self, request: FinishCorporationRun) -> RunAccount:  # noqa: ARG002
        return RunAccount()

    @activity.defn
    async def record_corporation_state(self, request: RecordCorporationState) -> None:
        """Of no interest here."""


async def test_history_is_backfill_and_a_day_is_live(temporal_client: Client) -> None:
    corporation = Corporation([list(range(1, 301)), [301, 302], list(range(400, 600))])
    others = StandIns()
    queues = {
        SYNC_QUEUE: [
            corporation.discover_corporation_killmails,
            corporation.finish_corporation_run,
            corporation.record_corporation_state,
        ],
        KILLMAILS_QUEUE: [corporation.fetch_killmails],
        ENRICHMENT_QUEUE: [others.name_entities, others.describe_solar_systems],
    }
    async with contextlib.AsyncExitStack() as stack:
        for queue, activities in queues.items():
            worker = Worker(
                temporal_client,
                task_queue=queue,
                workflows=WORKFLOWS if queue == SYNC_QUEUE else [],
                activities=activities,  # type: ignore[arg-type]
                workflow_runner=strict_runner(),
                workflow_failure_exception_types=[Exception],
            )
            await stack.enter_async_context(worker)
        seen = []
        await start_or_wake_corporation(temporal_client, CORPORATION, 900)
        for cycles in (1, 2, 3):
            await until_corporation(temporal_client, after(cycles))
            seen.append(set(corporation.fetched))
            corporation.fetched.clear()
            if corporation.looks:
                await signal_corporation_sync(temporal_client, CORPORATION, "sync_now")
    assert seen == [
        {(CallClass.BACKFILL, 4, CORPORATION)},
        {(CallClass.LIVE, 2, CORPORATION)},
        {(CallClass.BACKFILL, 4, CORPORATION)},
    ], "its first sync, its day, and what piled up while nobody looked"
