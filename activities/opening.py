"""Opens what a worker process holds for all its activities, and closes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import asyncpg
from temporalio.client import Client

from activities.access_tokens import AccessTokens
from activities.services import Services
from activities.webhook_target import WebhookTargets
from db.accounts.vault import TokenVault
from db.pool import open_pool
from db.pulse import Pulse
from eve.archive.client import KillmailArchive, MarketArchive
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from eve.sso.brake import Brake
from eve.sso.client import Sso
from eve.static_builds import StaticBuilds
from eve.zkillboard.client import Zkillboard
from eve.zkillboard.stream import KillmailStream
from eve.zkillboard.turns import Turns
from live import LiveEvents
from long_lived import LongLived
from redis_client import open_redis
from settings import Settings

POOL_SIZE = 20
SILENT_AFTER_SECONDS = 10.0
"""When Postgres is taken for silent: every statement is given up then, so later than the API does it."""


@asynccontextmanager
async def open_services(settings: Settings, client: Client) -> AsyncIterator[Services]:
    """Open everything, close everything; tokens that are being renewed are stored first.

    Raises:
        OSError, asyncpg.PostgresError, redis.exceptions.RedisError: Postgres or Redis does not answer.
    """
    async with (
        _watched_pool(settings) as pool,
        open_session(settings) as session,
        aclosing(open_redis(settings.redis_url)) as connection,
        WebhookTargets(settings) as targets,
    ):
        await connection.ping()
        turns = Turns(connection, settings.zkillboard_interval_seconds)
        sso = Sso(session, settings, Brake(connection, settings.sso_calls_at_once))
        vault = TokenVault.from_settings(settings)
        live = LiveEvents(connection)
        tokens = AccessTokens(pool, sso, vault, live)
        archive = KillmailArchive(session, settings.archive_url)
        try:
            yield Services(
                pool,
                client,
                Esi(
                    session,
                    Budget(connection, egress=settings.esi_egress, from_queues=True),
                    settings.esi_base_url,
                    settings.eve_client_id,
                ),
                sso,
                vault,
                live,
                Zkillboard(session, turns, settings.zkillboard_url),
                archive,
                KillmailStream(session, settings.zkillboard_stream_url if settings.zkillboard_live else ""),
                MarketArchive(session, settings.market_archive_url, archive),
                StaticBuilds(session, settings.static_data_url),
                tokens,
                targets,
            )
        finally:
            await tokens.finish()


@asynccontextmanager
async def _watched_pool(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    """Activities wait for a connection for as long as they may, but for no answer of a server that is silent."""
    pulse, tasks = Pulse(SILENT_AFTER_SECONDS, acquire_seconds=None), LongLived()
    tasks.start("pulse of Postgres", pulse.run)
    try:
        # What activities set ends with their transaction.
        async with await open_pool(settings.database_url, max_size=POOL_SIZE, pulse=pulse) as pool:
            yield pool
    finally:
        await tasks.cancel()
