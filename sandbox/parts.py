"""The parts of KillReport that are our own programs: the sandbox EVE, the API and a worker."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import temporalio.client
import temporalio.service

from operations.connections import temporal_client
from operations.failure import OperationFailed
from sandbox.process import Part, PartNotReady
from settings import Settings
from temporal.task_queues import queues_without_worker

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not bound to


def eve(directory: Path, port: int, chosen: Mapping[str, str]) -> tuple[Part, str]:
    """The sandbox EVE and its URL; what it knows is kept in `directory/eve`."""
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{name: value for name, value in chosen.items() if name.startswith("SANDBOX_")},
        "SANDBOX_HOST": "127.0.0.1",
        "SANDBOX_PORT": str(port),
        "SANDBOX_STATE_DIRECTORY": str(directory / "eve"),
    }

    async def answers() -> None:
        await _answers_well(f"{url}/.well-known/oauth-authorization-server")

    argv = [sys.executable, "-m", "sandbox.eve"]
    return Part("the sandbox EVE", argv, answers, directory / "logs" / "eve.log", environment), url


def api(directory: Path, settings: Settings, chosen: Mapping[str, str]) -> Part:
    """`killreport api`; it answers once all its services do."""
    host = ANY_ADDRESS.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)

    async def answers() -> None:
        await _answers_well(f"http://{host}:{settings.port}/readyz")

    argv = [sys.executable, "-m", "cli", "api"]
    return Part("the API", argv, answers, directory / "logs" / "api.log", dict(chosen))


def how_many_workers(settings: Settings, cores: int | None) -> int:
    """Worker processes for a machine of so many cores that also has all the other parts.

    One process uses one core: its workflows share the interpreter's lock. Of two or three cores Temporal and Postgres
    take the rest, and a second worker gained nothing (`killreport bench two-of-each`).
    """
    return settings.workers or min(1 + (cores or 1) // 4, 4)


def worker(directory: Path, settings: Settings, chosen: Mapping[str, str], number: int = 1) -> Part:
    """`killreport worker`; it answers once Temporal has seen it, and not another, ask every task queue for work.

    Args:
        number: of several; each has a port of its own for its metrics, one after the other.
    """
    begun = datetime.now(UTC)
    connected: list[temporalio.client.Client] = []

    async def polls(identity: str = "") -> None:
        try:
            if not connected:
                connected.append(await temporal_client(settings))
            missing = await queues_without_worker(connected[0], begun, identity)
        except (OperationFailed, temporalio.service.RPCError) as error:
            raise PartNotReady(str(error)) from error
        if missing:
            raise PartNotReady(f"no worker polls {', '.join(missing)}")

    async def polls_itself(process_id: int) -> None:
        await polls(f"{process_id}@{socket.gethostname()}")  # as Temporal's SDK calls a worker

    argv = [sys.executable, "-m", "cli", "worker"]
    its_own = (
        {**chosen, "METRICS_PORT": str(settings.metrics_port + number - 1)} if settings.metrics_port else {**chosen}
    )
    name, log = ("the worker", "worker.log") if number == 1 else (f"worker {number}", f"worker-{number}.log")
    return Part(name, argv, polls, directory / "logs" / log, its_own, answers_as=polls_itself)


async def _answers_well(url: str) -> None:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            if response.status != 200:
                raise PartNotReady(f"{url} answers {response.status}")
    except aiohttp.ClientError as error:
        raise PartNotReady(str(error)) from error
