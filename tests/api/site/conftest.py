"""One site, one database full of killmails and one browser for all tests of the site: each is slow to start."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page
from temporalio.client import Client

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.process import RunningPart, free_port
from sandbox.valkey import valkey
from tests.api.running_site import Browser as Visitor
from tests.api.running_site import Site, open_browser, serve, settings_for
from tests.api.site.furnished import ADMIN, FurnishedSite, complaints_of, signed_in_context
from tests.api.site.furniture import claim_losses, furnish
from tests.end_to_end.chromium import chromium
from tests.fixtures.databases import copied_database
from tests.fixtures.services import new_namespace


@pytest.fixture(scope="session")
async def site_redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A Redis of its own: other tests empty theirs, and count who listens."""
    part, url = valkey(tmp_path_factory.mktemp("redis"), free_port())
    running = await RunningPart.start(part)
    yield url
    await running.stop()


@pytest.fixture(scope="session")
async def furnished(
    postgres_url: str, template_database: str, site_redis_url: str, temporal_server: Client
) -> AsyncIterator[FurnishedSite]:
    async with (
        copied_database(postgres_url, template_database) as database_url,
        SandboxEve(SandboxOptions(first_killmails=130)) as eve,
    ):
        settings = settings_for(database_url, site_redis_url).model_copy(
            update={
                "temporal_address": temporal_server.service_client.config.target_host,
                "temporal_namespace": await new_namespace(temporal_server),
                "eve_images_url": f"{eve.url}/images",
                "eve_sso_url": eve.url,
                "esi_base_url": eve.url,
                "admin_character_ids": frozenset({ADMIN}),
                "temporal_ui_url": "http://temporal-ui.invalid",
            }
        )
        async with serve(settings) as site:
            there = await furnish(site.pool, eve)
            admin_id = await site.add_pilot(ADMIN, name="Ops Lead")
            await claim_losses(site.pool, there, ADMIN, admin_id)
            yield FurnishedSite(site, there, eve, admin_id)


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


@pytest.fixture
async def visitor(furnished: FurnishedSite) -> AsyncIterator[Visitor]:
    """A signed-in pilot with a browser that only speaks HTTP."""
    async with open_browser(furnished.site) as opened:
        await opened.sign_in(furnished.there.account_id)
        yield opened


@pytest.fixture
async def anonymous(shared_site: Site) -> AsyncIterator[Visitor]:
    """A browser that nobody has logged in with, on a site without EVE."""
    async with open_browser(shared_site) as opened:
        yield opened


@pytest.fixture
async def operator(furnished: FurnishedSite) -> AsyncIterator[Visitor]:
    """One of ADMIN_CHARACTER_IDS, by HTTP."""
    async with open_browser(furnished.site) as opened:
        await opened.sign_in(furnished.admin_id)
        yield opened


@pytest.fixture
async def stranger(furnished: FurnishedSite) -> AsyncIterator[Visitor]:
    """Nobody, by HTTP."""
    async with open_browser(furnished.site) as opened:
        yield opened


@pytest.fixture
async def page(engine: Browser, furnished: FurnishedSite) -> AsyncIterator[Page]:
    """A signed-in pilot's page; fails if the browser complained."""
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    opened = await context.new_page()
    complaints = complaints_of(opened)
    yield opened
    await context.close()
    assert complaints == []
