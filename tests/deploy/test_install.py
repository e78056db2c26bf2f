"""docs/install.md, followed: its commands in its order, up to a login and the killmails on the page.

What it does as root stands here in a directory of its own, and no service of the machine is touched: the programs are
this checkout's, systemd is played by starting each unit's ExecStart with its EnvironmentFile. The units' user is played
by another one than root, whom Postgres knows by the same name. What needs root or Docker is checked for its grammar,
and for the files it names.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
from starlette.routing import Route

import cli
from api.app import ROUTES
from operations.environment.file import read_variables
from operations.environment.new import SCOPES
from sandbox import parts
from sandbox.eve.server import SandboxEve
from sandbox.installation import Pilot, eventually
from sandbox.process import Part, PartNotReady, RunningPart, free_port
from sandbox.temporal import temporal
from settings import settings_from
from tests.deploy.sudo import OWNED, not_run_as_our_user, owned_here, plain_user, write_sudo
from tests.deploy.units import INSTALLED_IN, command_of, start_command, unit
from tests.operations.running_up import as_plain_user
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "install.md").read_text()
BLOCKS = re.findall(r"^```(\w*) ?(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
KINDS = {"run", "root", "docker", "systemd"}


def test_every_command_is_one_and_names_files_that_exist() -> None:
    assert {(language, kind) for language, kind, _ in BLOCKS} == {("sh", kind) for kind in KINDS}
    for _, _, text in BLOCKS:
        checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert checked.stderr == ""
    text = "".join(text for _, _, text in BLOCKS)
    named = set(re.findall(r"(?:/opt/killreport/|--file |\s)((?:deploy/[\w./*-]+|requirements\.lock))", text))
    assert {"deploy/compose.yaml", "deploy/systemd/killreport-*.service", "requirements.lock"} <= named
    assert {name for name in named if not list(ROOT.glob(name))} == set()
    commands = re.findall(
        r"(?:bin/killreport(?: --env-file \S+)?|^ +killreport|-m cli) ([a-z][\w-]+)", text, re.MULTILINE
    )
    assert {"init", "doctor"} <= set(commands) <= set(cli.main.commands)
    links = set(re.findall(r"\]\(#([\w-]+)\)", PAGE))
    assert links <= {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)}


def test_commands_run_as_the_user_whom_postgres_knows() -> None:
    assert not_run_as_our_user("".join(text for _, kind, text in BLOCKS if kind == "run")) == []
    assert not_run_as_our_user(f"sudo {INSTALLED_IN}/.venv/bin/killreport doctor") != []


def test_an_upgrade_installs_what_the_page_installs_while_nothing_runs() -> None:
    page = (ROOT / "docs" / "upgrading.md").read_text()
    [upgrade] = re.findall(r"^```sh root\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    lines = upgrade.splitlines()
    installs = re.findall(
        r"^sudo (?:\.venv/bin/pip install|cp \S+\.service|systemctl daemon-reload).*$", PAGE, re.MULTILINE
    )
    assert len(installs) == 4
    while_stopped = lines[lines.index("sudo systemctl stop killreport-api killreport-worker") :]
    assert [line for line in while_stopped if line in installs] == installs
    assert while_stopped[1] == "sudo git pull"
    assert while_stopped[-2:] == [
        "sudo systemctl restart killreport-migrate",
        "sudo systemctl start killreport-worker killreport-api",
    ]


def test_the_application_is_registered_as_it_is_used() -> None:
    assert set(re.findall(r"`(esi-[\w.-]+)`", PAGE)) == set(SCOPES)
    assert "`https://killreport.example.org/auth/callback`" in PAGE
    assert "/auth/callback" in {route.path for route in ROUTES if isinstance(route, Route)}


@dataclass
class Server:
    """The bare server of the page."""

    directory: Path
    variables: dict[str, str]
    ports: dict[str, str]
    started: AsyncExitStack

    def here(self, text: str) -> str:
        """A command or path of the page, as it is said on this machine."""
        for theirs, ours in {
            OWNED: owned_here(),
            f"{INSTALLED_IN}/.venv/bin": str(Path(sys.executable).parent),
            INSTALLED_IN: str(ROOT),
            "/etc/killreport": str(self.directory / "etc"),
            **self.ports,
        }.items():
            text = text.replace(theirs, ours)
        return text

    @property
    def file(self) -> Path:
        return self.directory / "etc" / "killreport.env"

    async def run(self, text: str) -> str:
        """A block of commands; each must succeed."""
        write_sudo(self.directory / "bin", **self.variables)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", self.here(text)),
            cwd=self.directory,
            env={"PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}", "HOME": str(self.directory)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    async def start_unit(self, name: str) -> None:
        """What systemd would start, as it would."""
        command = shlex.split(self.here(shlex.join(start_command(name, Path(INSTALLED_IN)))))
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        environment |= dict(setting.split("=", 1) for setting in unit(name).get("Environment", []))
        if "EnvironmentFile" in unit(name):
            environment |= read_variables(Path(self.here(unit(name)["EnvironmentFile"][0])))
        (working,) = unit(name)["WorkingDirectory"]
        if "StateDirectory" in unit(name):
            state = self.directory / unit(name)["StateDirectory"][0]
            state.mkdir()
            if os.geteuid() == 0:
                shutil.chown(state, "nobody")
            working = str(state)
        command = as_plain_user(["/usr/bin/env", "-C", self.here(working), *command])
        if unit(name)["Type"] == ["oneshot"]:
            done = await asyncio.create_subprocess_exec(*command, env=environment)
            assert await done.wait() == 0
            return
        part = Part(f"killreport-{name}", command, self.answers(name), self.directory / f"{name}.log", environment)
        self.started.push_async_callback((await RunningPart.start(part)).stop)
        if "ExecStartPost" in unit(name):
            await self.run(shlex.join(command_of(name, "ExecStartPost", Path(INSTALLED_IN))))

    def answers(self, name: str) -> Callable[[], Awaitable[None]]:
        if name == "temporal":
            return temporal(self.directory, int(self.ports["7233"]), None)[0].answers
        if name == "api":
            return self.site_answers
        return parts.worker(self.directory, settings_from(read_variables(self.file)), {}).answers

    async def site_answers(self) -> None:
        site = read_variables(self.file)["PUBLIC_URL"]
        async with aiohttp.ClientSession() as session, session.get(f"{site}/readyz") as response:
            if response.status != 200:
                raise PartNotReady(await response.text())


@pytest.fixture
async def url_without_user(database_url: str) -> AsyncIterator[str]:
    """As the page's own: whoever connects is who he is on this machine. Postgres knows the plain user, and no root."""
    name, parts = plain_user().pw_name, urlsplit(database_url)
    connection = await asyncpg.connect(database_url)
    try:
        if is_new := not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
            await connection.execute(f"CREATE ROLE \"{name}\" SUPERUSER LOGIN PASSWORD '{parts.password}'")
        yield parts._replace(netloc=f":{parts.password}@{parts.hostname}:{parts.port}").geturl()
        if is_new:
            await connection.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')
    finally:
        await connection.close()


@pytest.fixture
async def server(url_without_user: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    ports = {"7233": str(free_port()), "8233": str(free_port())}
    answers = {
        "PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "EVE_CLIENT_ID": "killreport-tests",
        "EVE_CLIENT_SECRET": "eat_a-client-secret",
        "CONTACT": "tests@killreport.invalid",
        "DATABASE_URL": url_without_user,
        "REDIS_URL": redis_url,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{ports['7233']}",
    }
    async with AsyncExitStack() as started:
        yield Server(tmp_path, answers, ports, started)


async def test_the_commands_lead_to_a_login(server: Server, eve: SandboxEve) -> None:
    blocks = [(kind, text) for _, kind, text in BLOCKS if kind in ("run", "systemd")]
    assert [kind for kind, _ in blocks] == ["run", "systemd", "run", "run"]
    (_, make_file), (_, start), (_, check), (_, become_operator) = blocks

    said = await server.run(make_file)
    assert "Wrote" in said
    assert "eat_a-client-secret" not in said
    assert stat.S_IMODE(server.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.file.parent.stat().st_mode) == 0o700
    assert {path.stat().st_uid for path in (server.file, server.file.parent)} == {plain_user().pw_uid}
    site = server.variables["PUBLIC_URL"]
    with server.file.open("a") as lines:  # EVE is played by the sandbox, and Caddy is left out
        services = ("ESI_BASE_URL", "EVE_SSO_URL", "ZKILLBOARD_URL")
        lines.writelines(f"{name}={eve.url}\n" for name in services)
        lines.write("ARCHIVE_URL=off\n")
        lines.write("STATIC_DATA_URL=off\n")
        lines.write(f"PORT={site.rpartition(':')[2]}\n")
    server.variables.clear()

    for name in re.findall(r"killreport-(\w+)", start):
        await server.start_unit(name)

    assert "Workers of queue" in await server.run(check)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        pilot = Pilot(site, session)
        await pilot.log_in(eve.pilots[0].character_id)

        async def up_to_date() -> bool:
            return "Up to date" in await pilot.page()

        await eventually(up_to_date, "the first killmails")
    await server.run(become_operator)
    assert settings_from(read_variables(server.file)).admin_character_ids == {90000001}
