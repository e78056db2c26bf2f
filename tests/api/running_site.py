"""The real application behind a real server, and a browser without a screen: cookies and HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import asyncpg
import uvicorn
from cryptography.fernet import Fernet
from starlette.applications import Starlette
from yarl import URL

from api.app import create_app
from api.services import Services
from api.serving.patience import server_config
from db.accounts.sessions import start_session
from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from live import LiveEvents
from sandbox.process import free_port
from settings import Settings
from tests.db.bodies import Body, raw

Answer = dict[str, Any]


def settings_for(database_url: str, redis_url: str) -> Settings:
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
            # All tests of a module are one address.
            "graphql_anonymous_requests_per_minute": 100_000,
            "graphql_anonymous_cost_per_minute": 10_000_000,
            "graphql_requests_per_minute": 100_000,
            "graphql_cost_per_minute": 10_000_000,
        }
    )


@dataclass
class Site:
    """A running application; `services` is what it holds open, for tests that prepare the database."""

    address: str
    app: Starlette
    server: uvicorn.Server
    serving: asyncio.Task[None]

    @property
    def services(self) -> Services:
        return cast(Services, self.app.state.services)

    @property
    def pool(self) -> asyncpg.Pool:
        return self.services.pool

    async def followed_by(self, subscriptions: int) -> None:
        """So many subscriptions to new killmails have begun: what is announced from now on is sent to them."""
        async with asyncio.timeout(10):
            while len(self.services.live_feed.killmails.groups.members) != subscriptions:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Ask the server to stop, as a supervisor does."""
        self.server.should_exit = True

    async def stopped(self) -> None:
        """It has."""
        await self.serving

    async def add_account(self) -> int:
        """An account without characters."""
        return int(await self.pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id"))

    async def add_pilot(self, character_id: int, account_id: int | None = None, name: str = "Test Pilot") -> int:
        """A character that has logged in; returns its account."""
        if account_id is None:
            account_id = await self.add_account()
        await self.pool.execute(
            """
            INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state)
            VALUES ($1, $2, $3, 'owner', '{esi-killmails.read_killmails.v1}', 'valid', 'ok')
            """,
            character_id,
            account_id,
            name,
        )
        return account_id

    async def store(self, *bodies: Body, announce_to: int | None = None) -> None:
        """Store killmails as a sync does; then tell the live feed, as one that concerns a character."""
        await store_killmails(self.pool, [raw(body) for body in bodies])
        if announce_to is not None:
            await record_arrivals(self.pool, [body["killmail_id"] for body in bodies])
            events = LiveEvents(self.services.redis)
            await events.killmails_stored([body["killmail_id"] for body in bodies], [announce_to])


class Server(uvicorn.Server):
    """Uvicorn's, but it sees within a hundredth of a second that it is to stop."""

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Site]:
    """The application on the port of its settings."""
    app = create_app(settings)
    config = server_config(app, settings, grace_seconds=2)
    server = Server(config)
    # Not `serve`: that would take over the signals of the test run.
    serving = asyncio.create_task(server._serve())
    while not server.started:
        if serving.done():
            serving.result()
            raise AssertionError("the server ended before it served")
        await asyncio.sleep(0.005)
    try:
        yield Site(settings.site_url, app, server, serving)
    finally:
        server.should_exit = True
        await serving


class Browser:
    """Keeps cookies and follows redirects as a browser does, unless told not to."""

    def __init__(self, site: Site, http: aiohttp.ClientSession) -> None:
        self.site = site
        self.http = http

    async def sign_in(self, account_id: int, client: str = "") -> None:
        """A session, without EVE."""
        token = await start_session(self.site.pool, account_id, client=client)
        self.http.cookie_jar.update_cookies({"killreport": token}, response_url=URL(self.site.address))

    async def get(self, path: str, **options: Any) -> tuple[int, str]:
        async with self.http.get(f"{self.site.address}{path}", **options) as response:
            return response.status, await response.text()

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Send a form as a page of the site does; `headers` replaces what says so."""
        said = {"Origin": self.site.address} if headers is None else headers
        async with self.http.post(f"{self.site.address}{path}", data=form, headers=said) as response:
            return response.status, await response.text()

    async def graphql(self, query: str, *, headers: Mapping[str, str] | None = None, **variables: Any) -> Answer:
        """The whole answer to an operation."""
        body = {"query": query, "variables": variables}
        async with self.http.post(f"{self.site.address}/graphql", json=body, headers=headers) as response:
            answer: Answer = await response.json(content_type=None)
            return answer

    async def data(self, query: str, **variables: Any) -> Answer:
        """The data of an answer without errors."""
        answer = await self.graphql(query, **variables)
        assert "errors" not in answer, answer
        data: Answer = answer["data"]
        return data


@asynccontextmanager
async def open_browser(site: Site) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(site, http)
