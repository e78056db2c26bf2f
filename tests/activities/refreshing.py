"""What a worker process refreshes grants with, against the sandbox EVE."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import redis.asyncio
from temporalio.testing import ActivityEnvironment

from activities.access_tokens import AccessTokens
from contracts.sync import AccessTokenReady, EnsureAccessToken
from db.accounts.vault import TokenVault
from db.failures import DATABASE_FAILURES
from db.pool import open_pool
from eve.session import open_session
from eve.sso.brake import Brake
from eve.sso.client import Sso
from live import LiveEvents
from sandbox.eve.server import SandboxEve
from settings import Settings
from tests.logins import log_in

TOKEN = "/v2/oauth/token"


@dataclass
class Worker:
    """What a worker process refreshes with. Its pool holds one connection: who keeps it stops everything."""

    settings: Settings
    eve: SandboxEve
    pool: asyncpg.Pool
    sso: Sso
    tokens: AccessTokens
    vault: TokenVault
    pilot: int
    logins: int = 0

    async def log_in(self, *, expired: bool = True) -> None:
        await log_in(self.settings, self.pool, self.pilot)
        self.logins += 1
        if expired:
            await self.pool.execute("UPDATE users SET expires_at = now() + interval '30 seconds'")

    async def ensure(self, *, force: bool = False) -> AccessTokenReady:
        request = EnsureAccessToken(self.pilot, force)
        answer = await ActivityEnvironment().run(self.tokens.ensure_access_token, request)
        assert isinstance(answer, AccessTokenReady)
        return answer

    async def user(self) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM users WHERE character_id = $1", self.pilot)
        assert row is not None
        return row

    async def stored(self) -> tuple[str, str]:
        user = await self.user()
        return self.vault.decrypt(user["access_token"]), self.vault.decrypt(user["refresh_token"])

    def refreshes(self) -> int:
        """Without the logins."""
        return len(self.eve.requests_of(TOKEN)) - self.logins

    async def is_stored(self, access_tokens: int = 2) -> bool:
        """Whether the access token stored last is the newest of so many issued ones; no, while Postgres is away."""
        try:
            user = await self.user()
        except DATABASE_FAILURES:
            return False
        return len(self.eve.issued_access_tokens()) == access_tokens and _is_new(user["expires_at"])


def _is_new(expires_at: datetime | None) -> bool:
    return expires_at is not None and expires_at > datetime.now(UTC) + timedelta(minutes=10)


@asynccontextmanager
async def worker(settings: Settings, eve: SandboxEve, **patience: float) -> AsyncIterator[Worker]:
    connection = redis.asyncio.from_url(settings.redis_url)
    vault = TokenVault.from_settings(settings)
    async with await open_pool(settings.database_url, max_size=1) as pool, open_session(settings) as session:
        sso = Sso(session, settings, Brake(connection, settings.sso_calls_at_once))
        tokens = AccessTokens(pool, sso, vault, LiveEvents(connection), **patience)
        yield Worker(settings, eve, pool, sso, tokens, vault, eve.pilots[0].character_id)
        await tokens.finish()
    await connection.aclose()
