from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from db.pool import open_pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database_url) as opened:
        yield opened
