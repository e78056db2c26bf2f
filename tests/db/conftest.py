from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from db.pool import open_pool
from tests.db.bodies import Body
from tests.db.drawn import store_drawn


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database_url) as opened:
        yield opened


@pytest.fixture
async def killmails(pool: asyncpg.Pool) -> list[Body]:
    """The killmails of `tests.db.drawn`, stored."""
    return await store_drawn(pool)
