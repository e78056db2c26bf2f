"""The sandbox EVE and a whole KillReport on it, for a bench."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from cryptography.fernet import Fernet
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from sandbox.installation import Installation, Pilot
from sandbox.postgres import postgres
from sandbox.process import Part, PartNotReady, RunningPart, free_port
from sandbox.temporal import temporal
from sandbox.valkey import valkey

WORKER = "killreport worker"
FOLLOW = "mutation ($id: ID!) { setCorporationSync(corporationId: $id, enabled: true) { corporation { id } } }"


@dataclass
class Measuring:
    """What a bench works with."""

    eve_url: str
    installation: Installation
    database: asyncpg.Connection
    session: aiohttp.ClientSession
    processes: dict[str, int]
    """The process that each part was started as."""
    metrics_ports: list[int] = field(default_factory=list)
    """Of the workers, if METRICS_PORT is set."""

    async def json(self, url: str) -> Any:
        """What a GET there answers; `url` relative to the sandbox EVE."""
        async with self.session.get(self.eve_url + url) as response:
            return await response.json()

    async def tell(self, url: str, **said: Any) -> Any:
        """What a POST to the sandbox EVE's controls answers."""
        async with self.session.post(self.eve_url + url, json=said) as response:
            return await response.json() if response.status != 204 else None

    async def start_another_worker(self, name: str) -> None:
        """One more, which `processes` has by this name."""
        port = free_port()
        environment = {**self.installation.environment, "METRICS_PORT": str(port)}
        # Stopped with the others: they are in one list.
        started = await replace(self.installation, environment=environment).start_worker()
        self.processes[name] = started.process.pid
        self.metrics_ports.append(port)

    async def restart_worker(self) -> None:
        """As after an upgrade: it learns at its start how many pilots there are."""
        running = self.installation.running
        (old,) = (part for part in running if part.process.pid == self.processes[WORKER])
        await old.stop()
        running.remove(old)
        self.processes[WORKER] = (await self.installation.start_worker()).process.pid

    async def counted(self, metric: str, **labels: str) -> list[Sample]:
        """The workers' samples of this name and with these labels."""
        found: list[Sample] = []
        for port in self.metrics_ports:
            async with self.session.get(f"http://127.0.0.1:{port}/metrics") as response:
                text = await response.text()
            samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
            found += [one for one in samples if one.name == metric and labels.items() <= one.labels.items()]
        return found

    async def log_in(self, character_id: int, *, corporation_id: int | None = None) -> None:
        """As that pilot, in a browser of their own; a director who names the corporation has it followed."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            pilot = Pilot(self.installation.site, browser)
            await pilot.log_in(character_id, corporation=corporation_id is not None)
            if corporation_id is not None:
                await pilot.ask(FOLLOW, id=corporation_id)


@asynccontextmanager
async def measuring(environment: Mapping[str, str] | None = None, **sandbox: object) -> AsyncIterator[Measuring]:
    """The embedded services, a sandbox EVE with these options, and KillReport on them.

    Args:
        environment: what KillReport is told besides.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="killreport-bench-")))
        started = _installation(directory, environment or {}, sandbox)
        eve_url, installation, services = await stack.enter_async_context(started)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        database = await asyncpg.connect(installation.environment["DATABASE_URL"])
        stack.push_async_callback(database.close)
        processes = {part.part.name: part.process.pid for part in (*services, *installation.running)}
        ports = [int(port) for port in [installation.environment.get("METRICS_PORT")] if port]
        yield Measuring(eve_url, installation, database, session, processes, ports)


@asynccontextmanager
async def _installation(
    directory: Path, settings: Mapping[str, str], sandbox: Mapping[str, object]
) -> AsyncIterator[tuple[str, Installation, list[RunningPart]]]:
    running: list[RunningPart] = []
    database_part, database_url = postgres(directory, free_port())
    redis_part, redis_url = valkey(directory, free_port())
    temporal_part, temporal_address = temporal(directory, free_port(), None)
    eve_part, eve_url = _eve(directory, sandbox)
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TEMPORAL_ADDRESS": temporal_address,
        "EVE_CLIENT_ID": "killreport-bench",
        "ESI_BASE_URL": eve_url,
        "EVE_SSO_URL": eve_url,
        "ZKILLBOARD_URL": eve_url,
        "ARCHIVE_URL": f"{eve_url}/archive",
        "STATIC_DATA_URL": f"{eve_url}/static-data",
        "MARKET_HISTORY_URL": f"{eve_url}/market-history",
        "EVE_IMAGES_URL": f"{eve_url}/images",
        "CONTACT": "bench@killreport.invalid",
        "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        **settings,
    }
    installation = Installation(environment, directory)
    try:
        for part in (database_part, redis_part, temporal_part, eve_part):
            running.append(await RunningPart.start(part))  # noqa: PERF401 - what started must be stopped if the next does not
        await installation.run("migrate")
        await installation.start_api()
        await installation.start_worker()
        yield eve_url, installation, running
    finally:
        await installation.stop()
        for part_running in reversed(running):
            await part_running.stop()


def _eve(directory: Path, options: Mapping[str, object]) -> tuple[Part, str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    async def answers() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/_sandbox/pilots") as response:
            if response.status != 200:
                raise PartNotReady(str(response.status))

    environment = {
        **os.environ,
        "SANDBOX_PORT": str(port),
        "SANDBOX_KILLMAILS_PER_HOUR": "0",
        **{f"SANDBOX_{name.upper()}": str(value) for name, value in options.items()},
    }
    log = directory / "logs" / "eve.log"
    return Part("sandbox EVE", [sys.executable, "-m", "sandbox.eve"], answers, log, environment), url
