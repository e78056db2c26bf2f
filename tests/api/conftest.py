"""A site without EVE and without Temporal, for what needs neither; `tests/api/login/test_login.py` has both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from settings import Settings
from tests.api.compiled.counted import fallbacks
from tests.api.running_site import Browser, Site, open_browser, serve, settings_for
from tests.fixtures.databases import copied_database


@pytest.fixture(autouse=True)
def _killmails_are_planned(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test asks for, graphql-core completes no killmail for it, unless the test is about that."""
    before = fallbacks()
    yield
    assert fallbacks() == before or request.node.get_closest_marker("falls_back")


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
    async with (
        copied_database(postgres_url, template_database) as database_url,
        serve(settings_for(database_url, session_redis_url)) as running,
    ):
        yield running


@pytest.fixture
async def visitor(shared_site: Site) -> AsyncIterator[Browser]:
    """An anonymous browser on the shared site."""
    async with open_browser(shared_site) as opened:
        yield opened
