"""The installation under trial: every program behind links of its own, and started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from cryptography.fernet import Fernet

from sandbox.chaos.disk import mount_small_disk, unmount
from sandbox.chaos.links import Link
from sandbox.chaos.plan import LINKS, PROGRAMS
from sandbox.eve.people import PILOT_COUNT
from sandbox.parts import eve
from sandbox.postgres import postgres
from sandbox.process import Part, PartFailed, PartNotReady, RunningPart, free_port
from sandbox.temporal import temporal
from sandbox.valkey import valkey

CLIENT_ID = "killreport-chaos"
WATCH_SECONDS = 0.3
START_AGAIN_SECONDS = 1.0
MIGRATE = "migrate"
POSTGRES = {
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "max_connections": "500",  # a half-open connection is one until its keepalive finds out
}
FIRST_KILLMAILS = 60
LOOKS_PER_WINDOW = 4.5
"""ESI's buckets are made for a look every 15 minutes: for up to 15 of them in a window."""
REFRESHED_BEFORE_SECONDS = 60
"""An access token is refreshed when so much is left of it."""


@dataclass
class Installed:
    """What runs. `deaths` counts the programs that ended by themselves, and were started again."""

    directory: Path
    seed: int
    pilots: int
    killmails_per_hour: float
    interval_seconds: int
    small_disk: bool
    parts: dict[str, Part] = field(default_factory=dict)
    running: dict[str, RunningPart] = field(default_factory=dict)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    deaths: dict[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    """As an operator at the machine would have it, not through any link."""
    eve_url: str = ""
    _watching: asyncio.Task[None] | None = None

    @property
    def site(self) -> str:
        """Where browsers find the site: behind the link between them and the API."""
        return f"http://127.0.0.1:{self.links['browsers', 'the API'].port}"

    @property
    def disk(self) -> Path:
        """Where Postgres keeps its data."""
        return self.directory / "disk"

    async def start(self) -> None:
        """Everything, in order.

        Raises:
            PartFailed: something did not start.
        """
        if self.small_disk:
            mount_small_disk(self.disk)
        ports = {name: free_port() for name in ("Postgres", "Valkey", "Temporal", "EVE", "the API")}
        for near, far in LINKS:
            self.links[near, far] = Link(f"{near} to {far}", free_port(), ports[far])
            await self.links[near, far].open()
        self._plan_services(ports)
        self._plan_programs(ports)
        self.locks = {name: asyncio.Lock() for name in self.parts}
        for name in ("Postgres", "Valkey", "Temporal", "EVE"):
            await self.start_part(name)
        await self._migrate()
        for name in ("the API", "the worker"):
            await self.start_part(name)
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Everything, in the reverse order; what was stopped or frozen first goes on."""
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for link in self.links.values():
            await link.open()
        for part in reversed(list(self.running.values())):
            tell(part.process.pid, signal.SIGCONT)
            await part.stop()
        for link in self.links.values():
            await link.close()
        if self.small_disk:
            unmount(self.disk)

    async def start_part(self, name: str) -> None:
        """Start a part that does not run and wait until it answers.

        Raises:
            PartFailed: it does not.
        """
        if name == "Postgres":
            (self.disk / "postgres" / "postmaster.pid").unlink(missing_ok=True)
        self.running[name] = await RunningPart.start(self.parts[name])

    def kill(self, name: str) -> None:
        """SIGKILL it and all of its children."""
        tell(self.running[name].process.pid, signal.SIGKILL)
        self.running[name].process.wait()

    def empty(self, name: str) -> None:
        """Destroy its data while it does not run. Valkey has none that survives."""
        if name == "Temporal":
            for file in (self.directory / "temporal").glob("temporal.db*"):
                file.unlink()

    def links_of(self, name: str) -> list[Link]:
        return [link for ends, link in self.links.items() if name in ends]

    def _plan_services(self, ports: Mapping[str, int]) -> None:
        database, self._database_url = postgres(self.disk, ports["Postgres"], settings=POSTGRES)
        cache, self._redis_url = valkey(self.directory, ports["Valkey"])
        orders, _ = temporal(self.directory / "temporal", ports["Temporal"], None)
        options = {
            "SANDBOX_FIRST_KILLMAILS": str(FIRST_KILLMAILS),
            "SANDBOX_LIST_CACHE_SECONDS": str(self.interval_seconds / 4),
            "SANDBOX_ACCESS_TOKEN_SECONDS": str(REFRESHED_BEFORE_SECONDS + 2 * self.interval_seconds),
            "SANDBOX_WINDOW_SECONDS": str(int(LOOKS_PER_WINDOW * self.interval_seconds)),
            "SANDBOX_SEED": str(self.seed),
            "SANDBOX_PILOTS": str(max(self.pilots + 1, PILOT_COUNT)),
            "SANDBOX_KILLMAILS_PER_HOUR": str(self.killmails_per_hour),
        }
        world, self.eve_url = eve(self.directory, ports["EVE"], options)
        logs = self.directory / "logs"
        self.parts = {
            # Its log is not on the disk that will be full.
            "Postgres": dataclasses.replace(database, log_file=logs / "postgres.log"),
            "Valkey": cache,
            "Temporal": dataclasses.replace(orders, log_file=logs / "temporal.log"),
            "EVE": world,
        }

    def _plan_programs(self, ports: Mapping[str, int]) -> None:
        common = {
            "EVE_CLIENT_ID": CLIENT_ID,
            "CONTACT": "chaos@killreport.invalid",
            # All pilots log in from one address.
            "GRAPHQL_ANONYMOUS_REQUESTS_PER_MINUTE": "100000",
            "GRAPHQL_ANONYMOUS_COST_PER_MINUTE": "1000000000",
            "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "SYNC_INTERVAL_SECONDS": str(self.interval_seconds),
            "HOST": "127.0.0.1",
            "PORT": str(ports["the API"]),
            "PUBLIC_URL": self.site,
        }
        self.environment = {**os.environ, **common, **self._addresses(ports)}
        address = f"http://127.0.0.1:{ports['the API']}"

        async def api_answers() -> None:
            await _answers_well(f"{address}/healthz")

        async def worker_answers() -> None:
            return None  # what it does shows it

        for name, command, answers in zip(PROGRAMS, ("worker", "api"), (worker_answers, api_answers), strict=True):
            through = {far: link.port for (near, far), link in self.links.items() if near == name}
            self.parts[name] = Part(
                name,
                [sys.executable, "-m", "cli", command],
                answers,
                self.directory / "logs" / f"{command}.log",
                {**common, **self._addresses(through)},
            )

    def _addresses(self, ports: Mapping[str, int]) -> dict[str, str]:
        world = f"http://127.0.0.1:{ports['EVE']}"
        return {
            "DATABASE_URL": _at(self._database_url, ports["Postgres"]),
            "REDIS_URL": _at(self._redis_url, ports["Valkey"]),
            "TEMPORAL_ADDRESS": f"127.0.0.1:{ports['Temporal']}",
            "ESI_BASE_URL": world,
            "EVE_SSO_URL": world,
            "ZKILLBOARD_URL": world,
            "ARCHIVE_URL": f"{world}/archive",
            "STATIC_DATA_URL": f"{world}/static-data",
            "MARKET_HISTORY_URL": f"{world}/market-history",
            "EVE_IMAGES_URL": f"{world}/images",
        }

    async def _migrate(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", MIGRATE),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode != 0:
            raise PartFailed(f"killreport migrate failed: {said.decode()}")

    async def _watch(self) -> None:
        while True:
            for name, part in list(self.running.items()):
                if part.process.poll() is not None and not self.locks[name].locked():
                    self.deaths[name] = self.deaths.get(name, 0) + 1
                    await asyncio.sleep(START_AGAIN_SECONDS)
                    async with self.locks[name]:
                        with contextlib.suppress(PartFailed):  # then it is dead at the next look
                            await self.start_part(name)
            await asyncio.sleep(WATCH_SECONDS)


def tell(process: int, sent: signal.Signals) -> None:
    """Send it to a process and its descendants, the youngest last."""
    for one in (process, *_descendants(process)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, sent)


def _descendants(process: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
            parents.setdefault(parent, []).append(int(entry.name))
    waiting = parents.get(process, [])
    while waiting:
        one = waiting.pop()
        yield one
        waiting += parents.get(one, [])


def _at(url: str, port: int) -> str:
    """The URL with another port."""
    before, _, after = url.rpartition(":")
    return f"{before}:{port}/{after.partition('/')[2]}"


async def _answers_well(url: str) -> None:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            if response.status != 200:
                raise PartNotReady(f"{url} answers {response.status}")
    except aiohttp.ClientError as error:
        raise PartNotReady(str(error)) from error
