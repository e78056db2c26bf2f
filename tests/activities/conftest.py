from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet

from db.accounts.vault import TokenVault
from db.pool import open_pool
from tests.activities.stand_in_eve import World


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with await open_pool(database_url) as pool:
        yield World(pool, TokenVault([Fernet.generate_key().decode()]))
