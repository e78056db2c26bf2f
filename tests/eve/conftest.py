"""An `Esi` on a real Redis, speaking to a server that the test writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import pytest
import redis.asyncio

from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from tests.eve.servers import CLIENT_ID, Handler, serving, settings_for

QUIET_HOUR = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
"""Outside the daily downtime, whenever the tests run."""

OpenEsi = Callable[[Handler], AbstractAsyncContextManager[Esi]]


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def budget(redis_client: redis.asyncio.Redis) -> Budget:
    return Budget(redis_client, now=lambda: QUIET_HOUR)


@pytest.fixture
def open_esi(budget: Budget) -> OpenEsi:
    @asynccontextmanager
    async def opened(handler: Handler) -> AsyncIterator[Esi]:
        async with serving(handler) as url, open_session(settings_for(url)) as session:
            yield Esi(session, budget, url, CLIENT_ID)

    return opened
