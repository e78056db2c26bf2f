"""What the doors have in common: a site with killmails on it, and the account of what was tried.

The profiles of Hypothesis are in `doors.py`; `make fuzz` asks for the long one.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Generator

import pytest

from tests.api.compiled.filled import fill
from tests.api.running_site import Browser, Site, open_browser, serve, settings_for
from tests.fixtures.databases import copied_database
from tests.fuzz.doors import TRIED, TimeIsOver, is_long

UNLIMITED = {
    f"graphql_{whose}{what}_per_minute": most
    for whose in ("", "anonymous_")
    for what, most in (("requests", 10**8), ("cost", 10**11))
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if is_long():
        terminalreporter.section("inputs tried")
        for name, inputs in sorted(TRIED.items()):
            terminalreporter.write_line(f"{inputs:>9,}  {name}")
        terminalreporter.write_line(f"{TRIED.total():>9,}  all")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    with contextlib.suppress(TimeIsOver):
        yield


@pytest.fixture(scope="module")
async def filled_site(postgres_url: str, template_database: str, session_redis_url: str) -> AsyncIterator[Site]:
    async with (
        copied_database(postgres_url, template_database) as database_url,
        serve(settings_for(database_url, session_redis_url).model_copy(update=UNLIMITED)) as site,
    ):
        await fill(site)
        yield site


@pytest.fixture(scope="module")
async def pilot(filled_site: Site) -> AsyncIterator[Browser]:
    """The browser of somebody who is logged in."""
    async with open_browser(filled_site) as browser:
        await browser.sign_in(await filled_site.pool.fetchval("SELECT min(account_id) FROM users"))
        yield browser
