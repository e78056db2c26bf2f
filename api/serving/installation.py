"""The whole installation's figures, asked anew for each scrape: Postgres's, Redis's and Temporal's.

Every API process tells the same ones: take the largest of them, not their sum.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.services import Services
from contracts.sync import SyncState
from db.accounts.tokens import TokenState
from db.failures import DATABASE_FAILURES
from db.intake.stream_place import StreamPlace, stream_place
from db.syncs.figures import Figures, figures, killmails_stored, table_bytes, tokens_by_state, unless_slow
from db.webhooks.hooks import webhooks_by_state
from eve.errors import Unavailable
from eve.esi.budget import BucketState, Budget, Pause
from redis_client import REDIS_IS_AWAY
from temporal.connection import TEMPORAL_IS_AWAY
from temporal.task_queues import TaskQueueFigures, describe_task_queues, workflows_with_problems

PATIENCE_SECONDS = 5.0
WORKER_SEEN = timedelta(minutes=2)
"""A worker asks for work at least every minute; Temporal remembers it for five after it has gone."""
AWAY = (*DATABASE_FAILURES, *REDIS_IS_AWAY, *TEMPORAL_IS_AWAY, Unavailable)


class Installation(Collector):
    """What was found."""

    def __init__(self, found: Mapping[str, list[Metric] | None]) -> None:
        self._found = found

    @classmethod
    async def of(cls, services: Services) -> Installation:
        """Ask all of them together; whoever does not answer holds up nobody for long."""
        asked = {"postgres": _postgres(services), "redis": _redis(services), "temporal": _temporal(services)}
        answers = await asyncio.gather(*(_answer(one) for one in asked.values()))
        return cls(dict(zip(asked, answers, strict=True)))

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("killreport_service_up", "1 if it answered this scrape.", labels=["service"])
        for service, metrics in self._found.items():
            up.add_metric([service], metrics is not None)
            yield from metrics or ()
        yield up


async def _answer(asking: Awaitable[list[Metric]]) -> list[Metric] | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asking
    except AWAY:
        return None


async def _postgres(services: Services) -> list[Metric]:
    found = await figures(services.pool, services.settings.sync_interval_seconds)
    tokens = await tokens_by_state(services.pool)
    place = await stream_place(services.pool) if services.settings.zkillboard_live else None
    hooks = await webhooks_by_state(services.pool)
    # Both ask for `killmails`, which somebody may have locked. The alarms need them least.
    killmails, sizes = await unless_slow(killmails_stored(services.pool)), await unless_slow(table_bytes(services.pool))
    return [
        *_of_pilots(found),
        *([] if killmails is None else [GaugeMetricFamily("killreport_killmails", "Killmails stored.", killmails)]),
        _family("killreport_webhooks", "Webhooks by how they stand.", "state", hooks),
        *_of_stream(place),
        _family("killreport_tokens", "Grants by state.", "state", {str(one): tokens.get(one, 0) for one in TokenState}),
        _family("killreport_table_bytes", "Size with indexes.", "table", sizes or {}),
    ]


def _of_pilots(found: Figures) -> Iterator[Metric]:
    states = {str(state): found.users.get(state, 0) for state in SyncState}
    yield _family("killreport_users", "Pilots by the state of their sync.", "state", states)
    for name, words, value in (
        ("killreport_users_late", "Pilots not looked at for too long.", found.late_users),
        ("killreport_references_pending", "Killmails still to be fetched.", found.references_pending),
        ("killreport_references_failed", "Killmails given up; `doctor --gaps`.", found.references_failed),
        ("killreport_database_bytes", "Size of the database.", found.database_bytes),
        (
            "killreport_sync_lag_seconds",
            "Since the look of who waits longest.",
            found.longest_since_sync_seconds or 0,
        ),
    ):
        yield GaugeMetricFamily(name, words, value=value)


def _of_stream(place: StreamPlace | None) -> Iterator[Metric]:
    """0 where it is not followed."""
    behind = 0.0
    if place is not None:
        behind = (datetime.now(UTC) - (place.caught_up_at or place.uploaded_at or place.read_at)).total_seconds()
    yield GaugeMetricFamily(
        "killreport_live_behind_seconds", "Since zKillboard's stream was read to its end.", value=max(behind, 0)
    )


async def _redis(services: Services) -> list[Metric]:
    budget = Budget(services.redis)
    return [*_of_budget(await budget.buckets()), _of_pauses(await budget.pauses())]


def _of_budget(buckets: Iterable[BucketState]) -> Iterator[Metric]:
    """By group: a bucket may be a pilot's, and they are without number. They come the emptiest first."""
    emptiest: dict[str, BucketState] = {}
    in_use: dict[str, int] = {}
    spent: dict[tuple[str, str], int] = {}
    for bucket in buckets:
        emptiest.setdefault(bucket.group, bucket)
        in_use[bucket.group] = in_use.get(bucket.group, 0) + 1
        for by, tokens in bucket.spent_by.items():
            spent[bucket.group, by] = spent.get((bucket.group, by), 0) + tokens
    left = {group: bucket.remaining for group, bucket in emptiest.items()}
    limit = {group: bucket.limit for group, bucket in emptiest.items()}
    yield _family("killreport_esi_buckets", "Buckets in use.", "group", in_use)
    yield _family("killreport_esi_tokens_left", "ESI's budget: of the group's emptiest bucket.", "group", left)
    yield _family("killreport_esi_tokens_limit", "What that bucket may hold.", "group", limit)
    by_class = GaugeMetricFamily(
        "killreport_esi_tokens_spent", "Not come back yet, by class of work.", labels=["group", "by"]
    )
    for (group, by), tokens in spent.items():
        by_class.add_metric([group, by], tokens)
    yield by_class


def _of_pauses(pauses: Iterable[Pause]) -> Metric:
    """The two of everything are always there."""
    now = datetime.now(UTC)
    longest = {"downtime": 0.0, "error-limit": 0.0}
    for pause in pauses:
        scope = pause.scope.partition(":")[0]  # a group without whose bucket it is, or a route
        longest[scope] = max(longest.get(scope, 0.0), (pause.until - now).total_seconds())
    return _family("killreport_esi_pause_seconds", "Until calls go on.", "scope", longest)


async def _temporal(services: Services) -> list[Metric]:
    seen_since = datetime.now(UTC) - WORKER_SEEN
    queues, problems = await asyncio.gather(
        describe_task_queues(services.temporal, seen_since=seen_since), workflows_with_problems(services.temporal)
    )
    return [
        *_of_queues(queues),
        GaugeMetricFamily("killreport_workflows_with_problems", "Workflows whose tasks fail.", value=problems),
    ]


def _of_queues(queues: list[TaskQueueFigures]) -> Iterator[Metric]:
    backlog = {queue.name: queue.backlog for queue in queues}
    oldest = {queue.name: queue.oldest_seconds for queue in queues}
    workers = {queue.name: queue.pollers for queue in queues}
    yield _family("killreport_task_queue_backlog", "Tasks that wait for a worker.", "queue", backlog)
    yield _family("killreport_task_queue_oldest_seconds", "How long the oldest has waited.", "queue", oldest)
    yield _family("killreport_task_queue_workers", "Workers that ask for tasks.", "queue", workers)


def _family(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value, number in values.items():
        family.add_metric([str(value)], number)
    return family
