"""Two APIs behind the Caddy that is deployed, two workers: none of them is missed when it is restarted or killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from temporalio.client import Client

from sandbox.caddy import caddy
from sandbox.chaos.pilots import Person, Subscriber
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from sandbox.process import RunningPart, free_port
from temporal.user_sync import signal_user_sync
from tests.end_to_end.conftest import NOTICES_DEATHS_SOON

ASK = {"query": "{ killmails(first: 3) { nodes { id } } }"}
AT_ONCE = 4
PAUSE_SECONDS = 0.05
"""From an answer to the next question: the processor is for what is restarted."""
UNLIMITED = {"GRAPHQL_REQUESTS_PER_MINUTE": "1000000", "GRAPHQL_COST_PER_MINUTE": "1000000000"}
log = logging.getLogger(__name__)


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, list_cache_seconds=1, first_killmails=5)


@dataclass
class Doubled:
    """The processes, and the address that the proxy serves for all of them."""

    apis: list[Installation]
    running: list[RunningPart]
    workers: list[RunningPart]
    site: str


@pytest.fixture
async def doubled(environment: dict[str, str], client: Client, tmp_path: Path) -> AsyncIterator[Doubled]:
    """The database is migrated already, and `client` has prepared Temporal."""
    del client
    site = f"http://127.0.0.1:{free_port()}"
    async with contextlib.AsyncExitStack() as stack:
        apis = []
        for number in range(2):
            (tmp_path / str(number)).mkdir()
            apis.append(
                Installation(
                    {**environment, **UNLIMITED},
                    tmp_path / str(number),
                    program=("-c", NOTICES_DEATHS_SOON),
                    public_url=site,
                )
            )
            stack.push_async_callback(apis[-1].stop)
        running = [await api.start_api() for api in apis]
        workers = [await api.start_worker() for api in apis]
        proxy = await RunningPart.start(caddy(site, [api.port for api in apis], tmp_path))
        stack.push_async_callback(proxy.stop)
        yield Doubled(apis, running, workers, site)


@dataclass
class Crowd:
    """Some who ask all the time; what became of it."""

    pilot: Pilot
    answers: Counter[str] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def asks(self) -> AsyncIterator[None]:
        asking = [asyncio.create_task(self._ask()) for _ in range(AT_ONCE)]
        yield
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)

    @property
    def failures(self) -> Counter[str]:
        return Counter({name: number for name, number in self.answers.items() if name != "200"})

    async def _ask(self) -> None:
        while True:
            for method, path, body in (("GET", "/status", None), ("POST", "/graphql", ASK)):
                try:
                    async with self.pilot.session.request(method, f"{self.pilot.site}{path}", json=body) as answer:
                        await answer.read()
                        self.answers[str(answer.status)] += 1
                except aiohttp.ClientError as error:
                    self.answers[type(error).__name__] += 1
                await asyncio.sleep(PAUSE_SECONDS)


async def test_restarts_are_not_noticed_and_a_kill_loses_nothing(
    doubled: Doubled, eve: SandboxEve, client: Client, pool: asyncpg.Pool
) -> None:
    character_id = eve.pilots[0].character_id
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        pilot = Pilot(doubled.site, session)
        await pilot.log_in(character_id)

        async def is_well() -> bool:
            return bool(await pool.fetchval("SELECT bool_and(sync_state = 'ok') FROM users"))

        await eventually(is_well, "the first sync")
        followers = [await Subscriber.of(Person(character_id, 0, pilot), pool) for _ in range(4)]
        following = [asyncio.create_task(follower.follow()) for follower in followers]
        await eventually(followers[0].is_connected, "the subscription")
        new: list[int] = []

        async def is_told_of(count: int) -> None:
            new.extend(reference.killmail_id for reference in eve.add_killmails(character_id, count))
            eve.expire_lists()
            await signal_user_sync(client, character_id, "sync_now")

            async def all_have_them() -> bool:
                return all(set(new) <= set(follower.received) for follower in followers)

            await eventually(all_have_them, "every subscriber to be told")

        restarted = Crowd(pilot)
        async with restarted.asks():
            for number, api in enumerate(doubled.apis):
                await doubled.running[number].stop()
                await is_told_of(2)
                doubled.running[number] = await api.start_api()
        assert restarted.answers["200"] > 20
        assert not restarted.failures, "a rolling restart was noticed"

        killed = Crowd(pilot)
        async with killed.asks():
            doubled.running[0].kill()
            doubled.workers[0].kill()
            await is_told_of(2)
        log.info("a rolling restart: %s; a kill: %s", restarted.answers, killed.answers)
        assert killed.failures.total() <= AT_ONCE, "only what was under way"
        for task in following:
            task.cancel()
        await asyncio.wait(following)
        for follower in followers:
            assert [one for one, times in Counter(follower.received).items() if times > 1] == []
