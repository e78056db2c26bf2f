"""What an API process holds open for all its requests: database, Redis, EVE, Temporal. `api.opening` opens it.

It lies below all rooms of `api/`, so it only names the types of what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    import aiohttp
    import asyncpg
    import redis.asyncio
    import temporalio.client

    from api.compiled.reads import CompiledReads
    from api.graphql.persisted import PersistedQueries
    from api.live.feed import LiveFeed
    from api.orders.requests import SyncRequests
    from api.serving.rate_limits import RateLimits
    from db.accounts.vault import TokenVault
    from db.pulse import Pulse
    from db.schema import Schema
    from eve.esi.client import Esi
    from eve.sso.client import Sso
    from eve.zkillboard.client import Zkillboard
    from live import LiveEvents
    from long_lived import LongLived
    from settings import Settings


@dataclass(frozen=True)
class Services:
    """Open for as long as the application runs; requests reach it through `services_of`."""

    settings: Settings
    pool: asyncpg.Pool
    pulse: Pulse
    schema: Schema
    redis: redis.asyncio.Redis
    http: aiohttp.ClientSession
    vault: TokenVault
    sso: Sso
    esi: Esi
    zkillboard: Zkillboard
    temporal: temporalio.client.Client
    sync_requests: SyncRequests
    live: LiveEvents
    live_feed: LiveFeed
    tasks: LongLived
    rate_limits: RateLimits
    persisted_queries: PersistedQueries
    compiled: CompiledReads


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that serves this request or socket."""
    services: Services = connection.app.state.services
    return services
