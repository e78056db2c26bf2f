"""A site without EVE and without Temporal, for what needs neither; `tests/api/test_login.py` has both."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from cryptography.fernet import Fernet

from sandbox.process import free_port
from settings import Settings
from tests.api.site import Browser, Site, open_browser, serve


def settings_for(database_url: str, redis_url: str) -> Settings:
    """Database and Redis are there; nobody listens where EVE and Temporal should be."""
    nobody = f"127.0.0.1:{free_port()}"
    return Settings.model_validate(
        {
            "database_url": database_url,
            "redis_url": redis_url,
            "temporal_address": nobody,
            "eve_client_id": "test-client",
            "esi_base_url": f"http://{nobody}",
            "eve_sso_url": f"http://{nobody}",
            "eve_images_url": "https://images.killreport.invalid",
            "token_encryption_keys": Fernet.generate_key().decode(),
            "port": free_port(),
            # All tests of a module are one address.
            "graphql_anonymous_requests_per_minute": 100_000,
            "graphql_anonymous_cost_per_minute": 10_000_000,
        }
    )


@pytest.fixture
def lone_settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


@pytest.fixture
async def site(lone_settings: Settings) -> AsyncIterator[Site]:
    async with serve(lone_settings) as running:
        yield running


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with open_browser(site) as opened:
        yield opened


@pytest.fixture(scope="module")
async def shared_site(postgres_url: str, template_database: str, session_redis_url: str) -> AsyncIterator[Site]:
    """One site for the tests of a module that leave nothing behind: starting one takes longer than asking it."""
    server = postgres_url.rpartition("/")[0]
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"')
    async with serve(settings_for(f"{server}/{name}", session_redis_url)) as running:
        yield running
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture
async def visitor(shared_site: Site) -> AsyncIterator[Browser]:
    """An anonymous browser on the shared site."""
    async with open_browser(shared_site) as opened:
        yield opened
