"""A running installation for tests that need the whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from click.testing import CliRunner

import cli
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot
from settings import Settings

HEARTBEATS_IN_TIME = 60
"""So that a worker's death is noticed after 3 s instead of 15."""
NOTICES_DEATHS_SOON = f"""
from cli import entry
from contracts import activity_policy

activity_policy.HEARTBEATS_IN_TIME = {HEARTBEATS_IN_TIME}
entry()
"""


class CommandsFromHere(Installation):
    """Commands that end at once run in our process: another one takes a second to start."""

    async def run(self, *command: str) -> str:
        # In a thread: each command runs an event loop of its own.
        done = await asyncio.to_thread(CliRunner().invoke, cli.main, command, env=self.variables)
        assert done.exit_code == 0, f"killreport {' '.join(command)} failed: {done.output}"
        return done.output


@pytest.fixture
def environment(settings: Settings, eve: SandboxEve) -> dict[str, str]:
    """What an operator would set for this installation."""
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "TEMPORAL_NAMESPACE": settings.temporal_namespace,
        "EVE_CLIENT_ID": settings.eve_client_id,
        "EVE_CLIENT_SECRET": settings.eve_client_secret.get_secret_value(),
        "ESI_BASE_URL": eve.url,
        "EVE_SSO_URL": eve.url,
        "ZKILLBOARD_URL": eve.url,
        "ARCHIVE_URL": f"{eve.url}/archive",
        "STATIC_DATA_URL": f"{eve.url}/static-data",
        "MARKET_HISTORY_URL": f"{eve.url}/market-history",
        "ZKILLBOARD_INTERVAL_SECONDS": "0.02",
        "EVE_IMAGES_URL": f"{eve.url}/images",
        "CONTACT": "tests@killreport.invalid",
        "TOKEN_ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.token_encryption_keys),
        "LOG_LEVEL": "INFO",
        "SYNC_INTERVAL_SECONDS": "900",
    }


@pytest.fixture
async def installation(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Installation]:
    made = CommandsFromHere(environment, tmp_path, program=("-c", NOTICES_DEATHS_SOON))
    await made.run("migrate")
    yield made
    await made.stop()


@pytest.fixture
async def pilot(installation: Installation) -> AsyncIterator[Pilot]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Pilot(installation.site, session)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()
