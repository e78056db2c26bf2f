from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from cryptography.fernet import Fernet

from db.accounts.vault import TokenVault
from db.pool import open_pool
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from tests.activities.refreshing import Worker, worker
from tests.activities.stand_in_eve import World
from tests.activities.universe import Universe, opened_universe


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with await open_pool(database_url) as pool:
        yield World(pool, TokenVault([Fernet.generate_key().decode()]))


@pytest.fixture
def eve_options() -> SandboxOptions:
    """The harder EVE: a refresh token dies the moment it is used."""
    return SandboxOptions(strangers=60, strict_rotation=True, first_killmails=5)


@pytest.fixture
async def one(settings: Settings, eve: SandboxEve) -> AsyncIterator[Worker]:
    async with worker(settings, eve) as opened:
        yield opened


@pytest.fixture
async def universe(settings: Settings, eve: SandboxEve, pool: asyncpg.Pool) -> AsyncIterator[Universe]:
    async with opened_universe(settings, eve, pool) as opened:
        yield opened
