"""The real services every test runs against, each started once per session from its wheel.

A test gets its own empty, migrated database (`database_url`), an empty Redis (`redis_url`), its own Temporal
server (`temporal_address`, in memory, up in a fifth of a second) and its own EVE (`eve`, which `eve_options` shapes);
`settings` points at all of them.
"""

from __future__ import annotations

import gc
import os
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from cryptography.fernet import Fernet

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.postgres import postgres
from sandbox.process import RunningPart, free_port
from sandbox.temporal import temporal
from sandbox.valkey import valkey
from settings import Settings, settings_from

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

_exit_status = pytest.StashKey[int]()


def pytest_collection_finish() -> None:
    """Keep a thousand tests out of the garbage collector's way.

    A full collection stops every thread of a process that is worker, EVE and test at once, and Temporal fails a
    workflow task that takes two seconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_exit_status] = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End without tearing the interpreter down, which the threads of Temporal's client may abort (see `cli.entry`)."""
    if hasattr(config, "workerinput"):
        return  # a worker of xdist has told its results by now, and is not asked for a status
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(config.stash.get(_exit_status, 1))


@pytest.fixture(scope="session")
def service_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
async def postgres_url(service_directory: Path) -> AsyncIterator[str]:
    part, url = postgres(service_directory, free_port(), durable=False)
    running = await RunningPart.start(part)
    yield url
    await running.stop()


@pytest.fixture(scope="session")
async def template_database(postgres_url: str) -> str:
    """A migrated database; each test's own is a copy of it."""
    from db.migrate import migrate

    await migrate(postgres_url)
    return postgres_url.rpartition("/")[2]


@pytest.fixture
async def database_url(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    server = postgres_url.rpartition("/")[0]
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"')
    yield f"{server}/{name}"
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture(scope="session")
async def session_redis_url(service_directory: Path) -> AsyncIterator[str]:
    part, url = valkey(service_directory, free_port())
    running = await RunningPart.start(part)
    yield url
    await running.stop()


@pytest.fixture
async def redis_url(session_redis_url: str) -> str:
    client = redis.asyncio.from_url(session_redis_url)
    await client.flushall()
    await client.aclose()
    return session_redis_url


@pytest.fixture
async def temporal_address(tmp_path: Path) -> AsyncIterator[str]:
    part, address = temporal(tmp_path, free_port(), None, durable=False)
    running = await RunningPart.start(part)
    yield address
    await running.stop()


@pytest.fixture
def eve_options() -> SandboxOptions:
    """Override it in a module or directory to shape the EVE of its tests."""
    return SandboxOptions()


@pytest.fixture
async def eve(eve_options: SandboxOptions) -> AsyncIterator[SandboxEve]:
    async with SandboxEve(eve_options) as running:
        yield running


@pytest.fixture
def settings(database_url: str, redis_url: str, temporal_address: str, eve: SandboxEve) -> Settings:
    return settings_from(
        {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "TEMPORAL_ADDRESS": temporal_address,
            "EVE_CLIENT_ID": "killreport-tests",
            "EVE_CLIENT_SECRET": f"client-secret-{secrets.token_hex(16)}",
            "ESI_BASE_URL": eve.url,
            "EVE_SSO_URL": eve.url,
            "ZKILLBOARD_URL": eve.url,
            "EVE_IMAGES_URL": f"{eve.url}/images",
            "CONTACT": "tests@killreport.invalid",
            "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
    )
