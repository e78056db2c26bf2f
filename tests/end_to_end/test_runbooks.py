"""Every command, statement and address of docs/runbooks.md works on an installation that is well."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner
from temporalio.client import Client

import cli
from api.app import ROUTES
from sandbox.programs import TEMPORAL
from tests.deploy.watching import alerts
from tests.fixtures.workers import StartWorker
from tests.paths import ROOT

PAGE = (ROOT / "docs/runbooks.md").read_text()
RUNS_FOR_EVER = {"killreport worker"}
PROMTOOL = "promtool test rules"
UNITS = {path.stem for path in (ROOT / "deploy/systemd").glob("*.service")} | {"systemd-timesyncd"}
PATHS = {route.path for route in ROUTES if hasattr(route, "path")}


def commands() -> dict[str, set[str]]:
    """What is to be typed or opened, by the alert in whose section it stands."""
    found = {}
    for name in alerts():
        section = PAGE.partition(f"## {name}\n")[2].partition("\n## ")[0].replace("\n", " ")
        spoken = {word for word in re.findall(r"`([^`]+)`", section) if re.match(r"[a-z]+ |SELECT |/[a-z]|df ", word)}
        found[name] = {word for word in spoken if not word.startswith(("docs/", "deploy/"))}
    return found


async def works(command: str, environment: dict[str, str], pool: asyncpg.Pool) -> None:
    program, *arguments = shlex.split(command) if not command.startswith("SELECT") else ["SELECT"]
    if command in RUNS_FOR_EVER:
        assert arguments[0] in cli.main.commands
    elif program == "killreport":
        # In a thread: each command runs an event loop of its own.
        said = await asyncio.to_thread(CliRunner().invoke, cli.main, arguments, env={**environment, "COLUMNS": "200"})
        assert said.exit_code == 0, said.output
    elif program == "temporal":
        process = await asyncio.create_subprocess_exec(
            *(str(TEMPORAL), *arguments),
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
    elif program == "SELECT":
        await pool.fetch(command if "FROM" in command else f"{command} FROM pg_stat_activity WHERE false")
    elif program == "systemctl":
        assert arguments[0] in ("status", "restart")
        assert arguments[1] in UNITS
    elif program == "df":
        assert (
            await (await asyncio.create_subprocess_exec(program, *arguments, stdout=asyncio.subprocess.DEVNULL)).wait()
            == 0
        )
    else:
        assert program in PATHS, f"nobody tries `{command}`"


async def test_what_the_runbooks_say_can_be_done(
    environment: dict[str, str],
    pool: asyncpg.Pool,
    client: Client,
    start_worker: StartWorker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del client  # it has prepared Temporal
    monkeypatch.chdir(tmp_path)
    await start_worker()
    said = commands()
    assert [name for name, found in said.items() if not found] == [], "each says what to type"
    for command in sorted(set.union(*said.values())):
        await works(command, environment, pool)
    first = dict(re.findall(r"^\| `(KillReport\w+)` \|.*\| `([^|]+)` \|$", PAGE, re.MULTILINE))
    assert first.keys() == alerts().keys()
    assert [name for name, command in first.items() if command not in said[name]] == []
