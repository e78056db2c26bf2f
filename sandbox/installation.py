"""A whole KillReport as an operator runs it, and a pilot who uses it over HTTP; for the tests and the bench."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from sandbox.process import Part, PartNotReady, RunningPart, free_port

ROOT = Path(__file__).resolve().parents[1]


async def eventually(condition: Callable[[], Awaitable[Any]], what: str, seconds: float = 60) -> Any:
    """The first truthy answer of `condition`.

    Raises:
        AssertionError: there was none in time; says `what` was waited for and the last answer.
    """
    deadline, pause = time.monotonic() + seconds, 0.02
    answer = None
    while time.monotonic() < deadline:
        if answer := await condition():
            return answer
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.25)  # asking may cost the installation more than what is waited for
    raise AssertionError(f"waited {seconds:.0f} s for {what}; last seen: {answer!r}")


@dataclass
class Installation:
    """Where it runs and what runs. `environment` is what an operator would set."""

    environment: Mapping[str, str]
    directory: Path
    port: int = field(default_factory=free_port)
    program: Sequence[str] = ("-m", "cli")
    """What Python runs, before the command."""
    public_url: str = ""
    """Where browsers reach it, if that is not the API itself."""
    running: list[RunningPart] = field(default_factory=list)

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start_api(self) -> RunningPart:
        async def answers() -> None:
            async with aiohttp.ClientSession() as session, session.get(f"{self.site}/healthz") as response:
                if response.status != 200:
                    raise PartNotReady(str(response.status))

        return await self._start("api", answers)

    async def start_worker(self) -> RunningPart:
        async def answers() -> None:
            return None  # a login waits for it anyway

        return await self._start("worker", answers)

    async def run(self, *command: str) -> str:
        """Run a command to its end; returns what it printed.

        Raises:
            AssertionError: its exit status is not 0.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *self.program, *command),
            env=self._environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise AssertionError(f"killreport {' '.join(command)} failed: {output.decode()}")
        return output.decode()

    @property
    def variables(self) -> dict[str, str]:
        """What it is told, with its own address."""
        return {**self.environment, "PORT": str(self.port), "PUBLIC_URL": self.public_url or self.site}

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **self.variables}

    async def _start(self, command: str, answers: Callable[[], Awaitable[None]]) -> RunningPart:
        argv = [sys.executable, *self.program, command]
        part = Part(f"killreport {command}", argv, answers, self.directory / f"{command}.log", self._environment())
        running = await RunningPart.start(part)
        self.running.append(running)
        return running

    async def stop(self) -> None:
        for part in reversed(self.running):
            await part.stop()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.directory.glob("*.log")))


@dataclass
class Pilot:
    """A browser that has logged in, without a browser: cookies and HTTP."""

    site: str
    session: aiohttp.ClientSession

    async def log_in(self, character_id: int, *, corporation: bool = False) -> str:
        """Go through EVE SSO as a person would; returns the page they land on. `corporation`: as a director."""
        login = f"{self.site}/auth/login{'?corporation=1' if corporation else ''}"
        async with self.session.get(login, allow_redirects=False) as response:
            authorize = response.headers["Location"]
        request = {name: values[0] for name, values in parse_qs(urlsplit(authorize).query).items()}
        form = {**request, "character_id": str(character_id)}
        async with self.session.post(authorize.partition("?")[0], data=form, allow_redirects=False) as response:
            callback = response.headers["Location"]
        async with self.session.get(callback) as response:
            page = await response.text()
        if response.status != 200:
            raise AssertionError(f"the login ended on a page with status {response.status}: {page}")
        return page

    async def page(self, path: str = "/") -> str:
        async with self.session.get(f"{self.site}{path}") as response:
            return await response.text()

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of a GraphQL answer; fails on any error."""
        body = {"query": query, "variables": variables}
        async with self.session.post(f"{self.site}/graphql", json=body) as response:
            answer = await response.json()
        if answer.get("errors"):
            raise AssertionError(f"GraphQL answered with errors: {answer['errors']}")
        data: dict[str, Any] = answer["data"]
        return data
