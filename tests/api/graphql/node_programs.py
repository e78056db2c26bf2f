"""Programs of tests/node, run by Node: the reference implementations of the protocols we speak."""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.paths import ROOT

PROGRAMS = ROOT / "tests" / "node"
OLDEST_NODE = 20
"""What graphql-ws 6 asks for (its package.json, "engines")."""
SECONDS = 20
_NO_NETWORK = re.compile(r"E(NOTFOUND|CONNREFUSED|AI_AGAIN|TIMEDOUT|NETUNREACH|NOTCACHED)")


def node() -> str:
    """Node with the packages of tests/node; skips the test, saying so, where they cannot be had."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("Node and npm are not installed: the reference clients of GraphQL are left out")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node {version} is older than {OLDEST_NODE}: the reference clients of GraphQL are left out")
    with (PROGRAMS / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of the test processes installs
        _install(npm)
    return program


def _install(npm: str) -> None:
    wanted = (PROGRAMS / "package-lock.json").read_text()
    stamp = PROGRAMS / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    done = subprocess.run([npm, "ci", "--ignore-scripts"], cwd=PROGRAMS, capture_output=True, text=True, timeout=180)
    if done.returncode and _NO_NETWORK.search(done.stderr):
        pytest.skip("npm has no network: the reference clients of GraphQL are left out")
    assert done.returncode == 0, done.stderr
    stamp.write_text(wanted)


class NodeProgram:
    """A running program that tells lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> Any:
        """The next thing it tells; None at its end."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), SECONDS)
        return json.loads(line) if line else None

    async def next(self, what: str) -> Any:
        """What it tells of `what` next; other lines are read away."""
        while (told := await self.line()) is not None:
            if what in told:
                return told[what]
        raise AssertionError(f"the program ended without telling of {what}")

    async def rest(self) -> list[Any]:
        """Everything until it ends."""
        told = []
        while (line := await self.line()) is not None:
            told.append(line)
        return told


@asynccontextmanager
async def run_node(name: str, argument: object) -> AsyncIterator[NodeProgram]:
    """Run a program of tests/node with one argument, JSON unless it is a string; it is ended at the end."""
    program = await asyncio.to_thread(node)
    said = argument if isinstance(argument, str) else json.dumps(argument)
    process = await asyncio.create_subprocess_exec(
        program, str(PROGRAMS / name), said, stdout=asyncio.subprocess.PIPE, limit=2**20
    )
    try:
        yield NodeProgram(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
