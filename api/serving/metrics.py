"""GET /metrics: the installation's figures for Prometheus; the workers' own metrics are on METRICS_PORT.

Figures of pilots and budgets are the operator's business. They are given to a scraper on this machine that asks
the API directly (by a loopback address and name), to whoever brings METRICS_TOKEN, and to a signed-in operator
(ADMIN_CHARACTER_IDS); anybody else is told that there is no such page. Where a reverse proxy on this machine hides who
asks, refuse /metrics there.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import caller, operator_of
from api.services import Services, services_of
from api.serving.installation import Installation
from exposition import LongLivedTasks, exposed, may_ask


async def metrics(request: Request) -> Response:
    """In Prometheus's text format. What is in a service that does not answer is left out, and says so."""
    services = services_of(request)
    if not _is_scraper(request, services) and await operator_of(services, await caller(request)) is None:
        raise HTTPException(404)
    installation = await Installation.of(services)
    text = exposed(installation, LongLivedTasks(services.tasks), _Process(services))
    return Response(text, 200, {"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)


def _is_scraper(request: Request, services: Services) -> bool:
    peer = request.client.host if request.client is not None else ""
    return may_ask(services.settings, peer=peer, named=request.url.hostname or "", headers=request.headers)


class _Process(Collector):
    """What this process holds open."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        feed, pool = self._services.live_feed, self._services.pool
        subscriptions = GaugeMetricFamily("killreport_subscriptions", "Operations that follow a stream.", labels=["to"])
        subscriptions.add_metric(["killmails"], len(feed.killmails.groups.members))
        subscriptions.add_metric(["syncs"], len(feed.syncs.groups.members))
        yield subscriptions
        yield GaugeMetricFamily("killreport_sockets", "Sockets of subscribers.", value=len(feed.sockets))
        connections = GaugeMetricFamily("killreport_pool_connections", "Connections to Postgres.", labels=["state"])
        connections.add_metric(["idle"], pool.get_idle_size())
        connections.add_metric(["busy"], pool.get_size() - pool.get_idle_size())
        yield connections
