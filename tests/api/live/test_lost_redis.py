"""The API as it is run, on uvloop, and a Redis whose connections are reset while killmails are announced."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
from redis.asyncio import Redis

from db.accounts.sessions import start_session
from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from db.killmails.cursors import position_cursor
from live import LiveEvents
from sandbox.installation import Installation, eventually
from tests.api.running_site import settings_for
from tests.db.bodies import body, raw
from tests.fixtures.relay import Relay, relay
from tests.logins import add_user

ME = 90_000_010
KILLMAILS = 120
ADDED = "subscription($after: String) { killmailAdded(after: $after) { id liveCursor } }"
PERSISTED = "{ __typename }"
AGAIN = {1006, 1012, 1013}
"""Close codes after which the client graphql-ws connects again; a server that goes on by itself closes nothing."""


@pytest.fixture
async def redis_relay(redis_url: str) -> AsyncIterator[Relay]:
    async with relay(urlsplit(redis_url).port or 0) as running:
        yield running


@pytest.fixture
async def api(database_url: str, redis_url: str, redis_relay: Relay, tmp_path: Path) -> AsyncIterator[Installation]:
    parts = urlsplit(redis_url)
    settings = settings_for(database_url, redis_url)
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url.replace(f":{parts.port}/", f":{redis_relay.port}/"),
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "EVE_CLIENT_ID": "test-client",
        "ESI_BASE_URL": settings.esi_base_url,
        "EVE_SSO_URL": settings.eve_sso_url,
        "TOKEN_ENCRYPTION_KEYS": settings.token_encryption_keys[0].get_secret_value(),
    }
    installation = Installation(environment, tmp_path)
    await installation.start_api()
    yield installation
    await installation.stop()


class Follower:
    """A client that comes again with its last cursor, as graphql-ws lets a program do."""

    def __init__(self, http: aiohttp.ClientSession, site: str) -> None:
        self._http, self._site = http, site
        self.got: list[int] = []
        self.cursor = position_cursor(0)

    async def follow(self) -> None:
        while True:
            address = f"{self._site}/graphql"
            async with self._http.ws_connect(address, protocols=["graphql-transport-ws"]) as socket:
                await socket.send_json({"type": "connection_init"})
                assert (await socket.receive_json())["type"] == "connection_ack"
                payload = {"query": ADDED, "variables": {"after": self.cursor}}
                await socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
                async for message in socket:
                    answer = message.json()
                    assert answer["type"] == "next", answer
                    killmail = answer["payload"]["data"]["killmailAdded"]
                    self.got.append(int(killmail["id"]))
                    self.cursor = killmail["liveCursor"]
                assert socket.close_code in AGAIN


async def ready(http: aiohttp.ClientSession, site: str) -> str:
    async with http.get(f"{site}/readyz") as answer:
        found: dict[str, str] = await answer.json()
        return found["live"]


async def ask_on(http: aiohttp.ClientSession, site: str, statuses: set[int]) -> None:
    """Operations whose limits and documents are in Redis."""
    number = 0
    while True:
        document = f"{PERSISTED} # {number}"
        persisted = {"version": 1, "sha256Hash": hashlib.sha256(document.encode()).hexdigest()}
        asked = {"query": document, "extensions": {"persistedQuery": persisted}}
        for operation in (asked, {**asked, "query": None}):
            async with http.post(f"{site}/graphql", json=operation) as answer:
                statuses.add(answer.status)
        number += 1


async def test_every_killmail_comes_once_and_nobody_sees_an_error(
    api: Installation, redis_relay: Relay, pool: asyncpg.Pool, redis_url: str
) -> None:
    await add_user(pool, ME, "Somebody")
    account_id = await pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", ME)
    token = await start_session(pool, account_id, client="")
    cookies = {"killreport": token}
    async with (
        aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        Redis.from_url(redis_url) as redis,
        asyncio.TaskGroup() as tasks,
    ):
        followers = [Follower(http, api.site) for _ in range(5)]
        statuses: set[int] = set()
        running = [tasks.create_task(follower.follow()) for follower in followers]
        running.append(tasks.create_task(ask_on(http, api.site, statuses)))
        announce = LiveEvents(redis)

        async def arrive(killmail_id: int) -> None:
            await store_killmails(pool, [raw(body(killmail_id, victim=ME))])
            await record_arrivals(pool, [killmail_id])
            await announce.killmails_stored([killmail_id], [ME])

        async def all_have(count: int) -> bool:
            return all(len(follower.got) >= count for follower in followers)

        await arrive(1)
        await eventually(lambda: all_have(1), "the first killmail")
        for killmail_id in range(2, KILLMAILS + 1):
            redis_relay.reset()
            await arrive(killmail_id)
            if killmail_id == KILLMAILS // 2:
                redis_relay.refuses = True
                redis_relay.reset()
                await eventually(lambda: is_ready(http, api.site, False), "readiness that says no")
            elif killmail_id == KILLMAILS // 2 + 5:
                # Without Redis, too, they come, a little later.
                await eventually(lambda: all_have(KILLMAILS // 2 + 5), "killmails without Redis", 25)
                redis_relay.refuses = False
        await eventually(lambda: all_have(KILLMAILS), "every killmail")
        await eventually(lambda: is_ready(http, api.site, True), "readiness that says yes")
        for task in running:
            task.cancel()
    for follower in followers:
        assert follower.got == list(range(1, KILLMAILS + 1))
    assert statuses == {200}
    assert "Traceback" not in api.logs()


async def is_ready(http: aiohttp.ClientSession, site: str, wanted: bool) -> bool:
    return (await ready(http, site) == "ok") is wanted
