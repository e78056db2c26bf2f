"""One world for all cells of the matrix, in which nobody listens where EVE and Temporal should be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.api.running_site import Browser, Site, open_browser, serve, settings_for
from tests.attacks.world import ADAS_BODY, World, open_world
from tests.eve.servers import serving
from tests.fixtures.databases import copied_database


async def _eve(request: web.Request) -> web.StreamResponse:
    """Has the body of Ada's killmail for whoever knows its hash; its zKillboard has nothing."""
    return web.json_response([] if "/api/" in request.path else ADAS_BODY)


@pytest.fixture(scope="session")
async def world(postgres_url: str, template_database: str, session_redis_url: str) -> AsyncIterator[World]:
    async with (
        copied_database(postgres_url, template_database) as database_url,
        serving(_eve) as eve_url,
    ):
        settings = settings_for(database_url, session_redis_url).model_copy(
            update={
                "esi_base_url": eve_url,
                "zkillboard_url": eve_url,
                "zkillboard_interval_seconds": 0.001,
                "temporal_payloads": "encrypted",
            }
        )
        async with open_world(settings) as opened:
            yield opened


@pytest.fixture(scope="module")
async def shared_site(postgres_url: str, template_database: str, session_redis_url: str) -> AsyncIterator[Site]:
    """One site for the tests of a module that leave nothing behind."""
    async with (
        copied_database(postgres_url, template_database) as database_url,
        serve(settings_for(database_url, session_redis_url)) as running,
    ):
        yield running


@pytest.fixture
async def visitor(shared_site: Site) -> AsyncIterator[Browser]:
    async with open_browser(shared_site) as opened:
        yield opened
