"""The real worker and the real API with PgBouncer between them and Postgres."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from temporalio.client import Client

from sandbox.eve.server import SandboxEve
from sandbox.process import free_port
from settings import Settings
from temporal.user_sync import start_or_wake
from tests.api.running_site import open_browser, serve
from tests.fixtures.pooler import needs_pgbouncer
from tests.logins import log_in
from tests.stored import stored
from tests.workflows.waiting import ok, until

pytestmark = needs_pgbouncer
FEED = "{ killmails(first: 30) { nodes { id victim { character { name } } attackers { character { name } } } } }"


@pytest.fixture
def settings(settings: Settings, pooled_url: str) -> Settings:
    return settings.model_copy(update={"database_url": pooled_url, "port": free_port()})


@pytest.mark.usefixtures("worker")
async def test_pilots_are_synced_and_their_killmails_served(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilots = [pilot.character_id for pilot in eve.pilots[:3]]
    accounts = [await log_in(settings, pool, pilot) for pilot in pilots]
    await pool.execute("UPDATE users SET expires_at = now()")  # the first look refreshes them
    await asyncio.gather(*(start_or_wake(client, pilot, 900) for pilot in pilots))
    for pilot in pilots:
        await until(client, ok, pilot)
    assert await stored(pool) == {one for pilot in pilots for one in eve.listed_killmail_ids(pilot)}

    async with serve(settings) as site, open_browser(site) as browser:
        await browser.sign_in(accounts[0])
        answers = await asyncio.gather(*(browser.data(FEED) for _ in range(40)))
        assert {len(answer["killmails"]["nodes"]) for answer in answers} == {30}
        assert all(answer == answers[0] for answer in answers)
        (shown,) = {
            status for status, _ in [await browser.get(page) for page in ("/", "/settings", "/status", "/readyz")]
        }
        assert shown == 200
