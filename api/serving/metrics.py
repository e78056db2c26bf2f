"""GET /metrics: the installation's figures for Prometheus; the workers' own metrics are on METRICS_PORT.

Figures of pilots and budgets are the operator's business. They are given to a scraper on this machine that asks
the API directly (by a loopback address and name), and to a signed-in operator (ADMIN_CHARACTER_IDS); anybody else is
told that there is no such page. Where a reverse proxy on this machine hides who asks, refuse /metrics there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import caller, operator_of
from api.compiled.graphql_core import FALLBACKS
from api.services import services_of
from contracts.sync import SyncState
from db.failures import DATABASE_FAILURES
from db.syncs.figures import Figures, figures
from eve.errors import Unavailable
from eve.esi.budget import BucketState, Budget, Pause
from long_lived import LongLived
from redis_client import REDIS_IS_AWAY

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


async def metrics(request: Request) -> Response:
    """In Prometheus's text format; 503 when Postgres or Redis does not answer."""
    services = services_of(request)
    if not _asks_directly(request) and await operator_of(services, await caller(request)) is None:
        raise HTTPException(404)
    try:
        found = await figures(services.pool, services.settings.sync_interval_seconds)
        budget = Budget(services.redis)
        buckets, pauses = await budget.buckets(), await budget.pauses()
    except (*REDIS_IS_AWAY, *DATABASE_FAILURES, Unavailable):
        raise HTTPException(503) from None
    registry = CollectorRegistry()
    registry.register(_InstallationFigures(found, buckets, pauses, datetime.now(UTC)))
    registry.register(FALLBACKS)
    registry.register(_Tasks(services.tasks))
    return Response(generate_latest(registry), 200, {"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)


def _asks_directly(request: Request) -> bool:
    """From this machine, by a loopback name, and not through a proxy that says so."""
    try:
        local = request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    named = (request.url.hostname or "") in LOOPBACK_NAMES
    return local and named and not any(name in request.headers for name in FORWARDED)


class _Tasks(Collector):
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


class _InstallationFigures(Collector):
    def __init__(self, found: Figures, buckets: list[BucketState], pauses: list[Pause], now: datetime) -> None:
        self._found = found
        self._buckets = buckets
        self._pauses = pauses
        self._now = now

    def collect(self) -> Iterator[Metric]:
        found = self._found
        lag = found.longest_since_sync_seconds or 0
        users = GaugeMetricFamily("killreport_users", "Pilots by the state of their sync.", labels=["state"])
        for state in SyncState:
            users.add_metric([str(state)], found.users.get(str(state), 0))
        yield users
        for name, words, value in (
            ("killreport_users_late", "Pilots not looked at for too long.", found.late_users),
            ("killreport_killmails", "Killmails stored.", found.killmails),
            ("killreport_references_pending", "Killmails still to be fetched.", found.references_pending),
            ("killreport_references_failed", "Killmails given up; `doctor --gaps`.", found.references_failed),
            ("killreport_database_bytes", "Size of the database.", found.database_bytes),
            (
                "killreport_sync_lag_seconds",
                "Since the look of who waits longest.",
                lag,
            ),
        ):
            yield GaugeMetricFamily(name, words, value=value)
        bucket_labels = ["group", "key"]
        left = GaugeMetricFamily("killreport_esi_tokens_left", "ESI's budget, per bucket.", labels=bucket_labels)
        limit = GaugeMetricFamily("killreport_esi_tokens_limit", "What it may hold.", labels=bucket_labels)
        spent = GaugeMetricFamily(
            "killreport_esi_tokens_spent",
            "Not come back yet, by class of work.",
            labels=[*bucket_labels, "by"],
        )
        for bucket in self._buckets:
            for call_class, tokens in bucket.spent_by.items():
                spent.add_metric([bucket.group, bucket.key, call_class], tokens)
            left.add_metric([bucket.group, bucket.key], bucket.remaining)
            limit.add_metric([bucket.group, bucket.key], bucket.limit)
        yield left
        yield limit
        yield spent
        paused = GaugeMetricFamily("killreport_esi_pause_seconds", "Until calls go on.", labels=["scope"])
        for pause in self._pauses:
            paused.add_metric([pause.scope], max(0.0, (pause.until - self._now).total_seconds()))
        yield paused
