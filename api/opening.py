"""Opens what an API process holds for all its requests, and closes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from api.compiled.reads import CompiledReads
from api.graphql.persisted import PersistedQueries
from api.live.feed import LiveFeed
from api.orders.requests import SyncRequests
from api.services import Services
from api.serving.rate_limits import RateLimits
from db.accounts.vault import TokenVault
from db.pool import open_pool
from db.pulse import Pulse
from db.schema import DatabaseIsOlder, Schema
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from eve.sso.client import Sso
from eve.zkillboard.client import Zkillboard
from eve.zkillboard.turns import Turns
from live import LiveEvents
from long_lived import LongLived
from redis_client import open_redis
from settings import Settings
from temporal.connection import connect_temporal
from tracing import temporal_interceptors

STATEMENT_SECONDS = 15
"""No statement for a person or a program that waits takes longer; less than an operation of GraphQL may."""

REDIS_SECONDS = 1.0
"""How long a request waits for an answer of Redis, and as long again on a new connection."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything, close everything. Temporal may be away: its connection is made when first needed.

    Raises:
        OSError, asyncpg.PostgresError: the database does not take a connection.
    """
    redis_client = open_redis(settings.redis_url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    # It waits for events, and for nobody's request.
    events_client = open_redis(settings.redis_url)
    http = open_session(settings)
    pulse = Pulse()
    tasks = LongLived()
    tasks.start("pulse of Postgres", pulse.run)
    try:
        async with await open_pool(
            settings.database_url, statement_timeout_seconds=STATEMENT_SECONDS, pulse=pulse
        ) as pool:
            schema = Schema()
            with suppress(DatabaseIsOlder):  # it is in the log, and /readyz says so
                await schema.check(pool)
            temporal = await connect_temporal(settings, lazy=True, interceptors=temporal_interceptors())
            sync_requests = SyncRequests(temporal, settings.sync_interval_seconds)
            live = LiveEvents(events_client)
            live_feed = LiveFeed(
                live,
                pool,
                sync_interval_seconds=settings.sync_interval_seconds,
                everything=settings.public_board,
            )
            live_feed.follow(tasks)
            yield Services(
                settings=settings,
                pool=pool,
                pulse=pulse,
                schema=schema,
                redis=redis_client,
                http=http,
                vault=TokenVault.from_settings(settings),
                sso=Sso(http, settings),
                esi=Esi(
                    http,
                    Budget(redis_client, egress=settings.esi_egress),
                    settings.esi_base_url,
                    settings.eve_client_id,
                ),
                zkillboard=Zkillboard(
                    http, Turns(redis_client, settings.zkillboard_interval_seconds), settings.zkillboard_url
                ),
                temporal=temporal,
                sync_requests=sync_requests,
                live=live,
                live_feed=live_feed,
                tasks=tasks,
                rate_limits=RateLimits(redis_client, settings),
                persisted_queries=PersistedQueries(redis_client),
                compiled=CompiledReads(pool),
            )
            await sync_requests.close()
    finally:
        await tasks.cancel()
        await http.close()
        await redis_client.aclose()
        await events_client.aclose()
