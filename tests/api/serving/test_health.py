from __future__ import annotations

import asyncpg
import orjson
import pytest

from db.migrate import migrate, take_back
from db.schema import known_revisions
from settings import Settings
from tests.api.running_site import Browser, open_browser, serve


async def test_the_process_lives_whatever_is_away(browser: Browser) -> None:
    assert await browser.get("/healthz") == (200, "ok\n")


async def test_ready_without_what_it_can_do_without(browser: Browser) -> None:
    status, text = await browser.get("/readyz")
    found = orjson.loads(text)
    assert status == 200
    assert (found["postgres"], found["redis"]) == ("ok", "ok")
    assert found["temporal"].startswith("temporal does not answer")


@pytest.mark.new_database
async def test_not_ready_on_a_database_that_is_still_to_be_migrated(lone_settings: Settings) -> None:
    *_, before, newest = known_revisions()
    await take_back(lone_settings.database_url, 1)
    async with serve(lone_settings) as site, open_browser(site) as browser:
        for _ in range(2):
            status, text = await browser.get("/readyz")
            assert (status, orjson.loads(text)["postgres"]) == (
                503,
                f"The database is at revision {before}, and this version needs {newest}: run `killreport migrate`.",
            )
        assert (await browser.get("/healthz"))[0] == 200, "nobody is to restart it"
        await migrate(lone_settings.database_url)
        status, text = await browser.get("/readyz")
        assert (status, orjson.loads(text)["postgres"]) == (200, "ok")
        assert (await browser.get("/"))[0] == 200


@pytest.mark.new_database
async def test_ready_on_the_database_of_a_newer_version(lone_settings: Settings, pool: asyncpg.Pool) -> None:
    await pool.execute("UPDATE alembic_version SET version_num = 'r9999'")
    async with serve(lone_settings) as site, open_browser(site) as browser:
        assert (await browser.get("/readyz"))[0] == 200
