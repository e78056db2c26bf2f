"""Activities that do nothing but remember what they were asked, under the real ones' names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from contracts.sync import (
    AccessTokenReady,
    DiscoverKillmails,
    Discovery,
    EnsureAccessToken,
    FailureType,
    FetchedKillmails,
    FetchKillmails,
    FinishRun,
    NamedEntities,
    NameEntities,
    RecordSyncState,
    RunAccount,
    SyncState,
)
from contracts.task_queues import SYNC_QUEUE, TASK_QUEUES
from contracts.upkeep import WatchdogReport
from tests.workflows.import_stand_ins import ImportStandIns
from tests.workflows.strict import strict_runner
from worker_main import WORKFLOWS


def failure(kind: str, *details: Any) -> ApplicationError:
    return ApplicationError(kind, *details, type=kind, non_retryable=True)


def passing_failure() -> ApplicationError:
    """One of ours, which another attempt may get past."""
    return ApplicationError("a moment's trouble", type=FailureType.INFRASTRUCTURE)


@dataclass
class StandIns:
    """`discoveries` is asked for each look's answer: a Discovery, or an exception to raise."""

    discoveries: Callable[[DiscoverKillmails], Discovery | Exception] = lambda _: Discovery(unchanged=True)
    token: Callable[[EnsureAccessToken], Exception | None] = lambda _: None
    bodies: Callable[[FetchKillmails], FetchedKillmails | Exception] = lambda r: FetchedKillmails(len(r.killmail_ids))
    names: Callable[[NameEntities], Exception | None] = lambda _: None
    recording: Callable[[RecordSyncState], Exception | None] = lambda _: None
    watched: Callable[[], WatchdogReport] = lambda: WatchdogReport(users=3, orphaned_killmail_ids=[5, 4, 3])
    may_fetch: asyncio.Event | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    newest_killmail_at: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC)
    looks: list[DiscoverKillmails] = field(default_factory=list)
    tokens: list[EnsureAccessToken] = field(default_factory=list)
    fetched: list[list[int]] = field(default_factory=list)
    named: list[list[int]] = field(default_factory=list)
    finished: list[FinishRun] = field(default_factory=list)
    recorded: list[RecordSyncState] = field(default_factory=list)
    priorities: list[int | None] = field(default_factory=list)
    imports: ImportStandIns = field(default_factory=ImportStandIns)

    @activity.defn
    async def ensure_access_token(self, request: EnsureAccessToken) -> AccessTokenReady:
        self.tokens.append(request)
        _raise(self.token(request))
        return AccessTokenReady(activity.info().current_attempt_scheduled_time + timedelta(seconds=1200), 98000001)

    @activity.defn
    async def discover_killmails(self, request: DiscoverKillmails) -> Discovery:
        self.looks.append(request)
        self.priorities.append(activity.info().priority.priority_key)
        answer = self.discoveries(request)
        _raise(answer)
        assert isinstance(answer, Discovery)
        return answer

    @activity.defn
    async def fetch_killmails(self, request: FetchKillmails) -> FetchedKillmails:
        self.fetched.append(request.killmail_ids)
        if self.may_fetch is not None:
            await self.may_fetch.wait()
        answer = self.bodies(request)
        _raise(answer)
        assert isinstance(answer, FetchedKillmails)
        return answer

    @activity.defn
    async def name_entities(self, request: NameEntities) -> NamedEntities:
        self.named.append(request.killmail_ids)
        _raise(self.names(request))
        return NamedEntities()

    @activity.defn
    async def describe_solar_systems(self, request: NameEntities) -> NamedEntities:  # noqa: ARG002
        return NamedEntities()

    @activity.defn
    async def finish_run(self, request: FinishRun) -> RunAccount:
        self.finished.append(request)
        return RunAccount(newest_killmail_at=self.newest_killmail_at)

    @activity.defn
    async def record_sync_state(self, request: RecordSyncState) -> None:
        self.recorded.append(request)
        _raise(self.recording(request))

    @activity.defn
    async def watch_users(self) -> WatchdogReport:
        return self.watched()

    @property
    def recorded_states(self) -> list[SyncState]:
        return [request.state for request in self.recorded]

    @property
    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.ensure_access_token,
            self.discover_killmails,
            self.fetch_killmails,
            self.name_entities,
            self.describe_solar_systems,
            self.finish_run,
            self.record_sync_state,
            self.watch_users,
            *self.imports.activities,
        ]

    def workers(self, client: Client) -> list[Worker]:
        """One per queue, as in production, with the production sandbox."""
        return [
            Worker(
                client,
                task_queue=queue,
                workflows=WORKFLOWS if queue == SYNC_QUEUE else [],
                activities=self.activities,
                workflow_runner=strict_runner(),
                workflow_failure_exception_types=[Exception],  # a bug fails the test instead of being retried
            )
            for queue in TASK_QUEUES
        ]


def _raise(answer: object) -> None:
    if isinstance(answer, Exception):
        raise answer
