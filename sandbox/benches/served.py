"""What answers on the database of the war: KillReport, the floor, and who asks them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import orjson
from cryptography.fernet import Fernet

from db.accounts.sessions import start_session
from operations.failure import OperationFailed
from sandbox.benches.load import Ask, Load, Spec, load
from sandbox.benches.measured import Say
from sandbox.benches.processor_time import processor_seconds
from sandbox.benches.war import War, war
from sandbox.benches.war_sql import FIRST_PILOT, VIEWERS
from sandbox.installation import Installation
from sandbox.process import Part, PartNotReady, RunningPart, free_port
from sandbox.valkey import valkey

COOKIE = "killreport"
KILLREPORT, FLOOR, POSTGRAPHILE = "KillReport", "floor", "PostGraphile"


@dataclass
class Served:
    """The running war, KillReport's address on it, and the cookie of each viewer (the busiest pilot first)."""

    war: War
    site: Installation
    pool: asyncpg.Pool
    redis_url: str
    cookies: Sequence[str]
    stack: AsyncExitStack
    directory: Path
    processes: dict[str, list[int]]
    """By what they are: KillReport's with its Valkey, and what else was started."""

    async def another(self) -> int:
        """Start one more process of KillReport's API; its port."""
        site = Installation(self.site.environment, self.directory)
        self.stack.push_async_callback(site.stop)
        self.processes[KILLREPORT].append((await site.start_api()).process.pid)
        return site.port

    def graphql(self, query: str, viewer: int = 0, **variables: Any) -> Ask:
        """An operation of KillReport's, asked by a viewer."""
        body = orjson.dumps({"query": query, "variables": variables}).decode()
        return Ask("/graphql", body, self.as_viewer(viewer))

    def as_viewer(self, viewer: int) -> dict[str, str]:
        """The header that signs a viewer in."""
        return {"Cookie": f"{COOKIE}={self.cookies[viewer]}"}

    async def costed(
        self, name: str, ports: int | Sequence[int], asks: Sequence[Ask], connections: int, seconds: float
    ) -> tuple[Load, float]:
        """Load on `name`, and processor time per request (ms): its own and Postgres'.

        Raises:
            OperationFailed: an answer was refused.
        """
        processes = [*self.processes[name], self.war.process]
        before = processor_seconds(processes)
        one = await loaded(ports, asks, connections, seconds)
        return one, 1000 * (processor_seconds(processes) - before) / one.answers

    async def floor(self) -> int:
        """Start the floor; its port."""
        port = free_port()
        argv = [sys.executable, "-m", "uvicorn", "--factory", "sandbox.benches.floor:app", "--port", str(port)]
        await self.start(FLOOR, [*argv, "--no-access-log", "--log-level", "warning"], port, {})
        return port

    async def start(
        self, name: str, argv: Sequence[str], port: int, environment: Mapping[str, str], path: str = "/"
    ) -> None:
        """Start one more server on the war's database; it ends with the bench."""
        part = Part(
            name,
            argv,
            lambda: _answers(f"http://127.0.0.1:{port}{path}"),
            self.directory / f"{name}.log",
            {"DATABASE_URL": self.war.url, **environment},
        )
        running = await RunningPart.start(part)
        self.stack.push_async_callback(running.stop)
        self.processes.setdefault(name, []).append(running.process.pid)


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        if response.status >= 500:
            raise PartNotReady(str(response.status))


@asynccontextmanager
async def served(killmails: int, say: Say) -> AsyncIterator[Served]:
    """KillReport on a war of so many killmails."""
    async with AsyncExitStack() as stack:
        fought = await stack.enter_async_context(war(killmails, say))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="killreport-bench-")))
        redis_part, redis_url = valkey(directory, free_port())
        redis = await RunningPart.start(redis_part)
        stack.push_async_callback(redis.stop)
        nobody = f"127.0.0.1:{free_port()}"
        environment = {
            "DATABASE_URL": fought.url,
            "REDIS_URL": redis_url,
            "TEMPORAL_ADDRESS": nobody,
            "EVE_CLIENT_ID": "killreport-bench",
            "ESI_BASE_URL": f"http://{nobody}",
            "EVE_SSO_URL": f"http://{nobody}",
            "ZKILLBOARD_URL": f"http://{nobody}",
            "ARCHIVE_URL": "off",
            "STATIC_DATA_URL": "off",
            "CONTACT": "bench@killreport.invalid",
            # The limits are asked and counted as ever, but never reached: one viewer asks for all in a bench.
            "GRAPHQL_REQUESTS_PER_MINUTE": "1000000000",
            "GRAPHQL_COST_PER_MINUTE": "1000000000000",
            "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
        site = Installation(environment, directory)
        stack.push_async_callback(site.stop)
        api = await site.start_api()
        pool = await stack.enter_async_context(asyncpg.create_pool(fought.url, min_size=1, max_size=4))
        accounts = await pool.fetch(
            "SELECT account_id FROM users WHERE character_id >= $1 ORDER BY character_id LIMIT $2", FIRST_PILOT, VIEWERS
        )
        cookies = [await start_session(pool, row["account_id"]) for row in accounts]
        processes = {KILLREPORT: [api.process.pid, redis.process.pid]}
        yield Served(fought, site, pool, redis_url, cookies, stack, directory, processes)


async def answer(port: int, ask: Ask) -> Any:
    """What one request is answered; for comparing before measuring."""
    headers = {"Content-Type": "application/json", **ask.headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}{ask.path}", data=ask.body, headers=headers) as response,
    ):
        return orjson.loads(await response.read())


async def loaded(ports: int | Sequence[int], asks: Sequence[Ask], connections: int, seconds: float) -> Load:
    """Ask in turn on so many connections.

    Raises:
        OperationFailed: an answer was refused.
    """
    asked = [ports] if isinstance(ports, int) else [*ports]
    measured = await load(Spec("127.0.0.1", asked, [*asks], connections, seconds))
    if measured.refused or not measured.answers:
        raise OperationFailed(f"{measured.refused} of {measured.answers} requests of the bench were refused.")
    return measured
