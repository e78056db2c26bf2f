"""Redis is away while somebody waits: EVE and zKillboard are not blamed for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from yarl import URL

from eve.sso.scopes import FITTINGS_SCOPE, KILLMAIL_SCOPE
from sandbox.eve.server import SandboxEve
from sandbox.installation import eventually
from sandbox.process import free_port
from settings import Settings
from tests.api.running_site import Browser, Site, open_browser, serve
from tests.db.bodies import body
from tests.fixtures.relay import Relay, relay
from tests.stored import stored

ADD = "mutation Add($link: String!) { addKillmail(link: $link) { killmail { id } userErrors { code message } } }"
OURS = "This site has trouble of its own at the moment; try again in a minute."


@pytest.fixture
async def way_to_redis(redis_url: str) -> AsyncIterator[Relay]:
    async with relay(URL(redis_url).port or 0) as running:
        yield running


@pytest.fixture
async def site(settings: Settings, way_to_redis: Relay) -> AsyncIterator[Site]:
    redis_url = str(URL(settings.redis_url).with_port(way_to_redis.port))
    async with serve(settings.model_copy(update={"port": free_port(), "redis_url": redis_url})) as running:
        yield running


@pytest.fixture
async def pilot(site: Site, eve: SandboxEve) -> AsyncIterator[Browser]:
    async with open_browser(site) as browser:
        await browser.sign_in(await site.add_pilot(eve.pilots[0].character_id))
        yield browser


def lose(way_to_redis: Relay) -> None:
    way_to_redis.refuses = True
    way_to_redis.reset()


async def test_a_killmail_that_cannot_be_added(
    pilot: Browser, way_to_redis: Relay, eve: SandboxEve, pool: asyncpg.Pool
) -> None:
    reference = eve.references(eve.pilots[0].character_id)[0]
    from_zkillboard = f"{eve.url}/kill/{reference.killmail_id}/"
    from_esi = f"{eve.url}/killmails/{reference.killmail_id}/{reference.killmail_hash}/"

    async def told(link: str) -> Any:
        return (await pilot.data(ADD, link=link))["addKillmail"]

    async def one_waits() -> bool:
        return bool(await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    ours = {"killmail": None, "userErrors": [{"code": "SERVICE_UNAVAILABLE", "message": OURS}]}
    for link in (from_zkillboard, from_esi):
        way_to_redis.refuses = False
        # Redis goes after the attempt was counted there, and before it says whose turn it is.
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE killmail_refs")
            answer = asyncio.create_task(told(link))
            await eventually(one_waits, "the question for what is known of the killmail")
            lose(way_to_redis)
        assert await answer == ours
    assert await told(from_esi) == ours, "nobody counts the attempt"
    assert await stored(pool) == set()
    way_to_redis.refuses = False
    eve.add_fault("status", route="/api/{path}", status=503, count=1)
    blamed = (await told(from_zkillboard))["userErrors"][0]["code"]
    assert blamed == "ZKILLBOARD_UNAVAILABLE", "for what is its own fault"


async def test_a_fitting_that_cannot_be_saved(site: Site, pilot: Browser, way_to_redis: Relay, eve: SandboxEve) -> None:
    character_id = eve.pilots[0].character_id
    lost = body(1, victim=character_id)
    lost["victim"]["items"] = [{"item_type_id": 2889, "flag": 27, "singleton": 0, "quantity_dropped": 1}]
    await site.store(lost)
    await site.pool.execute(
        "UPDATE users SET access_token = $2, expires_at = $3, scopes = $4 WHERE character_id = $1",
        character_id,
        site.services.vault.encrypt(eve.access_token(character_id, KILLMAIL_SCOPE, FITTINGS_SCOPE)),
        datetime.now(UTC) + timedelta(minutes=19),
        [KILLMAIL_SCOPE, FITTINGS_SCOPE],
    )
    lose(way_to_redis)
    status, page = await pilot.post("/killmails/1/fitting", {"character": str(character_id)})
    assert (status, OURS in page) == (409, True)
