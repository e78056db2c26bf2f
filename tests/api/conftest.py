"""A site without EVE and without Temporal, for what needs neither; `tests/api/test_login.py` has both."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet

from sandbox.process import free_port
from settings import Settings
from tests.api.site import Browser, Site, open_browser, serve


@pytest.fixture
def lone_settings(database_url: str, redis_url: str) -> Settings:
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
        }
    )


@pytest.fixture
async def site(lone_settings: Settings) -> AsyncIterator[Site]:
    async with serve(lone_settings) as running:
        yield running


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with open_browser(site) as opened:
        yield opened
