"""What `killreport bench` measures: claims of speed as ratios against a named alternative in the same run.

Everything runs on this machine's loopback, in a directory that is removed afterwards.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from cryptography.fernet import Fernet

from sandbox.installation import Installation, Pilot, eventually
from sandbox.postgres import postgres
from sandbox.process import Part, PartNotReady, RunningPart, free_port
from sandbox.temporal import temporal
from sandbox.valkey import valkey

ESI_LATENCY_SECONDS = 0.1
COMPLETE = """
SELECT count(*) FROM users WHERE sync_state = 'ok' AND NOT EXISTS (
  SELECT FROM participants p LEFT JOIN entities e ON e.entity_id = p.character_id
  WHERE p.character_id IS NOT NULL AND e.entity_id IS NULL)
"""


@dataclass(frozen=True)
class FirstSync:
    """A first sync, from the end of the login to every killmail stored and named, and its alternative."""

    killmails: int
    seconds: float
    one_by_one_seconds: float
    refused_requests: int  # answers 4XX: each would be a mistake of ours

    @property
    def ratio(self) -> float:
        return self.one_by_one_seconds / self.seconds

    def __str__(self) -> str:
        return (
            f"first sync of {self.killmails} killmails at {ESI_LATENCY_SECONDS * 1000:.0f} ms of ESI latency:"
            f" {self.seconds:.2f} s, login to stored and named; the same bodies fetched one after another:"
            f" {self.one_by_one_seconds:.2f} s; {self.ratio:.1f} times as fast; 4XX answers: {self.refused_requests}"
        )


async def first_sync() -> FirstSync:
    """Measure one first sync of the sandbox's first pilot at ESI's real limits."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="killreport-bench-")))
        eve_url, installation = await stack.enter_async_context(_installation(directory))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), raise_for_status=False)
        )
        database = await asyncpg.connect(installation.environment["DATABASE_URL"])
        stack.push_async_callback(database.close)
        pilots = await _json(session, f"{eve_url}/_sandbox/pilots")
        await Pilot(installation.site, session).log_in(int(pilots[0]["character_id"]))
        started = time.perf_counter()
        await eventually(lambda: database.fetchval(COMPLETE), "the first sync to be complete", seconds=120)
        seconds = time.perf_counter() - started
        requests = await _json(session, f"{eve_url}/_sandbox/requests")
        refs = await database.fetch("SELECT killmail_id, killmail_hash FROM killmail_refs")
        started = time.perf_counter()
        for ref in refs:
            await _json(session, f"{eve_url}/killmails/{ref['killmail_id']}/{ref['killmail_hash']}")
        one_by_one = time.perf_counter() - started
        refused = sum(400 <= request["status"] < 500 for request in requests)
        return FirstSync(len(refs), seconds, one_by_one, refused)


async def _json(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        return await response.json()


@asynccontextmanager
async def _installation(directory: Path) -> AsyncIterator[tuple[str, Installation]]:
    """The embedded services, a slow sandbox EVE, and KillReport on them."""
    running: list[RunningPart] = []
    database_part, database_url = postgres(directory, free_port())
    redis_part, redis_url = valkey(directory, free_port())
    temporal_part, temporal_address = temporal(directory, free_port(), None)
    eve_part, eve_url = _slow_eve(directory)
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TEMPORAL_ADDRESS": temporal_address,
        "EVE_CLIENT_ID": "killreport-bench",
        "ESI_BASE_URL": eve_url,
        "EVE_SSO_URL": eve_url,
        "ZKILLBOARD_URL": eve_url,
        "EVE_IMAGES_URL": f"{eve_url}/images",
        "CONTACT": "bench@killreport.invalid",
        "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    installation = Installation(environment, directory)
    try:
        for part in (database_part, redis_part, temporal_part, eve_part):
            running.append(await RunningPart.start(part))  # noqa: PERF401 - what started must be stopped if the next does not
        await installation.run("migrate")
        await installation.start_api()
        await installation.start_worker()
        yield eve_url, installation
    finally:
        await installation.stop()
        for part_running in reversed(running):
            await part_running.stop()


def _slow_eve(directory: Path) -> tuple[Part, str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    async def answers() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/_sandbox/pilots") as response:
            if response.status != 200:
                raise PartNotReady(str(response.status))

    environment = {
        **os.environ,
        "SANDBOX_PORT": str(port),
        "SANDBOX_LATENCY_SECONDS": str(ESI_LATENCY_SECONDS),
        "SANDBOX_KILLMAILS_PER_HOUR": "0",
    }
    log = directory / "logs" / "eve.log"
    return Part("sandbox EVE", [sys.executable, "-m", "sandbox.eve"], answers, log, environment), url


def main() -> None:
    """Print every measurement; fails when a claim of the README does not hold."""
    measured = asyncio.run(first_sync())
    print(measured)  # noqa: T201 - the bench's output
    if measured.refused_requests:
        raise SystemExit("the first sync caused 4XX answers")
