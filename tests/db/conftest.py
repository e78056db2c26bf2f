from __future__ import annotations

import asyncpg
import pytest

from tests.db.bodies import Body
from tests.db.drawn import store_drawn


@pytest.fixture
async def killmails(pool: asyncpg.Pool) -> list[Body]:
    """The killmails of `tests.db.drawn`, stored."""
    return await store_drawn(pool)
