"""One site, one database full of killmails and one browser for all tests of the site: each is slow to start."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from playwright.async_api import Browser, BrowserContext, Page

from api.login.cookies import session_cookie_name
from db.accounts.sessions import start_session
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.process import RunningPart, free_port
from sandbox.temporal import temporal
from sandbox.valkey import valkey
from tests.api.conftest import settings_for
from tests.api.site import Browser as Visitor
from tests.api.site import Site, open_browser, serve
from tests.end_to_end.chromium import chromium
from tests.site.furniture import Furnished, furnish

PICTURES = os.environ.get("KILLREPORT_SCREENSHOTS")
"""Where to write a screenshot of every page; unset: nowhere."""
ADMIN = 90_777_001


@dataclass
class World:
    """The furnished site, and the EVE that draws its images."""

    site: Site
    there: Furnished
    eve: SandboxEve
    admin_id: int
    """The operator's account."""


@pytest.fixture(scope="session")
async def site_redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A Redis of its own: other tests empty theirs, and count who listens."""
    part, url = valkey(tmp_path_factory.mktemp("redis"), free_port())
    running = await RunningPart.start(part)
    yield url
    await running.stop()


@pytest.fixture(scope="session")
async def world(
    postgres_url: str, template_database: str, site_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    server, name = postgres_url.rpartition("/")[0], f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"')
    part, address = temporal(tmp_path_factory.mktemp("temporal"), free_port(), None, durable=False)
    running = await RunningPart.start(part)
    async with SandboxEve(SandboxOptions(first_killmails=130)) as eve:
        settings = settings_for(f"{server}/{name}", site_redis_url).model_copy(
            update={
                "temporal_address": address,
                "eve_images_url": f"{eve.url}/images",
                "eve_sso_url": eve.url,
                "esi_base_url": eve.url,
                "admin_character_ids": frozenset({ADMIN}),
                "temporal_ui_url": "http://temporal-ui.invalid",
            }
        )
        async with serve(settings) as site:
            there = await furnish(site.pool, eve)
            yield World(site, there, eve, await site.add_pilot(ADMIN, name="Ops Lead"))
    await running.stop()
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


@pytest.fixture
async def visitor(world: World) -> AsyncIterator[Visitor]:
    """A signed-in pilot with a browser that only speaks HTTP."""
    async with open_browser(world.site) as opened:
        await opened.sign_in(world.there.account_id)
        yield opened


@pytest.fixture
async def operator(world: World) -> AsyncIterator[Visitor]:
    """One of ADMIN_CHARACTER_IDS, by HTTP."""
    async with open_browser(world.site) as opened:
        await opened.sign_in(world.admin_id)
        yield opened


@pytest.fixture
async def stranger(world: World) -> AsyncIterator[Visitor]:
    """Nobody, by HTTP."""
    async with open_browser(world.site) as opened:
        yield opened


async def signed_in_context(engine: Browser, site: Site, account_id: int | None, **options: object) -> BrowserContext:
    """A browser's profile; of nobody for None."""
    context = await engine.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
    if account_id is not None:
        token = await start_session(site.pool, account_id)
        name = session_cookie_name(site.services.settings)
        await context.add_cookies([{"name": name, "value": token, "url": site.address}])
    return context


def complaints_of(page: Page) -> list[str]:
    """What the browser will complain about on this page: errors of script, and what the content policy forbids."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return complaints


@pytest.fixture
async def page(engine: Browser, world: World) -> AsyncIterator[Page]:
    """A signed-in pilot's page; fails if the browser complained."""
    context = await signed_in_context(engine, world.site, world.there.account_id)
    opened = await context.new_page()
    complaints = complaints_of(opened)
    yield opened
    await context.close()
    assert complaints == []


async def picture(page: Page, name: str) -> None:
    """A screenshot of the whole page, when somebody wants to look at them."""
    if PICTURES:
        window = page.viewport_size or {"width": 1280}
        clip = {"x": 0.0, "y": 0.0, "width": float(window["width"]), "height": 1800.0}
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True, clip=clip)  # type: ignore[arg-type]
