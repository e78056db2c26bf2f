"""`killreport export`: into a file or a pipe, whole lines, to be continued."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

import cli
from api.compiled.reads import CompiledReads, KillmailPage
from db.intake.store import store_killmails
from db.pool import open_pool
from sandbox.process import free_port
from tests.db.bodies import body, raw
from tests.paths import ROOT

PILOT, STRANGER = 90_000_001, 90_000_009
Export = Callable[..., Awaitable[Result]]
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@pytest.fixture
async def pilot(database_url: str) -> None:
    """Ten killmails of a pilot who logged in, and one of somebody else."""
    async with await open_pool(database_url) as pool:
        account_id = await pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
        await pool.execute(
            "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state)"
            " VALUES ($1, $2, 'Pilot', 'owner', '{}', 'valid')",
            PILOT,
            account_id,
        )
        await store_killmails(pool, [raw(body(number, victim=PILOT)) for number in range(1, 11)])
        await store_killmails(pool, [raw(body(11, victim=STRANGER))])


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    nobody = f"127.0.0.1:{free_port()}"
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": f"redis://{nobody}/0",
        "TEMPORAL_ADDRESS": nobody,
        "EVE_CLIENT_ID": "an-application",
        "ESI_BASE_URL": f"http://{nobody}",
        "EVE_SSO_URL": f"http://{nobody}",
        "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }


@pytest.fixture
def export(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    monkeypatch.chdir(tmp_path)

    async def run(*arguments: str, **changes: str) -> Result:
        # In a thread: each command runs an event loop of its own.
        return await asyncio.to_thread(
            CliRunner().invoke, cli.main, ("export", *arguments), env={**environment, **changes}
        )

    return run


@pytest.mark.usefixtures("pilot")
async def test_lines_to_standard_output(export: Export) -> None:
    result = await export(str(PILOT), "--format", "ndjson", "--since", "2026-01-01", "--until", "2026-01-02")
    assert (result.exit_code, result.stderr) == (0, "10 killmails.\n")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [str(n) for n in range(10, 0, -1)]
    assert (await export(str(PILOT), "--since", "2026-01-02")).stderr == "0 killmails.\n"


@pytest.mark.usefixtures("pilot")
async def test_a_file_is_continued_and_never_overwritten(export: Export, tmp_path: Path) -> None:
    file = tmp_path / "killmails.csv"
    assert (await export(str(PILOT), "--output", file.name)).exit_code == 0
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 11
    result = await export(str(PILOT), "--output", file.name)
    assert (result.exit_code, "already exists" in result.stderr) == (1, True)
    assert file.read_bytes() == whole
    file.write_bytes(b"".join(lines[:5]))
    cursor = lines[4].rpartition(b",")[2].decode().strip()
    assert (await export(str(PILOT), "--output", file.name, "--after", cursor)).stderr == "6 killmails.\n"
    assert file.read_bytes() == whole
    assert len(list(csv.DictReader(file.read_text().splitlines()))) == 10


@pytest.mark.usefixtures("pilot")
async def test_what_fails_says_so_in_one_sentence(export: Export, database_url: str) -> None:
    for arguments, changes, words in (
        ([str(STRANGER)], {}, "ever logged in"),
        ([str(PILOT), "--after", "x"], {}, "--after is not a cursor"),
        ([str(PILOT), "--output", "no/such/place.csv"], {}, "cannot be written"),
        ([str(PILOT)], {"DATABASE_URL": database_url.rpartition("@")[0] + "@127.0.0.1:1/x"}, "Postgres at"),
    ):
        result = await export(*arguments, **changes)
        assert result.exit_code == 1
        assert words in result.stderr


@pytest.mark.usefixtures("pilot")
async def test_an_export_that_wrote_nothing_leaves_no_file(
    environment: dict[str, str], export: Export, tmp_path: Path, database_url: str
) -> None:
    file = tmp_path / "killmails.csv"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        away = f"{database_url.rpartition('@')[0]}@127.0.0.1:{silent.getsockname()[1]}/x"
        process = subprocess.Popen(  # noqa: ASYNC220 - forks in microseconds
            [sys.executable, str(ROOT / "cli.py"), "export", str(PILOT), "--output", str(file)],
            env={**os.environ, **environment, "DATABASE_URL": away},
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = await asyncio.to_thread(silent.accept)
        process.send_signal(signal.SIGINT)
        _, said = await asyncio.to_thread(process.communicate)
        connection.close()
    # What asyncpg is given up in the middle of may be told before.
    assert (process.returncode, said.splitlines()[-1], file.exists()) == (1, "Aborted!", False)
    result = await export(str(STRANGER), "--output", file.name)
    assert ("ever logged in" in result.stderr, file.exists()) == (True, False)
    result = await export(str(PILOT), "--output", file.name, DATABASE_URL=away)
    assert ("Postgres at" in result.stderr, file.exists()) == (True, False)
    assert (await export(str(PILOT), "--output", file.name)).stderr == "10 killmails.\n"


@pytest.mark.usefixtures("pilot")
async def test_what_broke_off_says_how_to_go_on(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = 0

    page = CompiledReads.page

    async def breaks_off(*arguments: Any, **more: Any) -> KillmailPage:
        nonlocal pages
        pages += 1
        if pages == 3:
            raise asyncpg.ConnectionDoesNotExistError("the connection was closed")
        return await page(*arguments, **more)

    monkeypatch.setattr(CompiledReads, "page", breaks_off)
    monkeypatch.setattr("api.exports.lines.PAGE_SIZE", 4)
    result = await export(str(PILOT), "--output", "broken.csv")
    assert result.exit_code == 1
    cursor = result.stderr.partition("--after ")[2].strip().rstrip(".")
    assert "8 killmails were written" in result.stderr
    pages = 10
    assert (await export(str(PILOT), "--output", "broken.csv", "--after", cursor)).stderr == "2 killmails.\n"
    assert len((tmp_path / "broken.csv").read_text().splitlines()) == 11


async def in_a_process(
    environment: dict[str, str], *arguments: str, into: int | None = None, at_most: int = 1 << 30
) -> subprocess.CompletedProcess[str]:
    """The same beside us, with a standard output of its own; no file may become larger than `at_most` bytes."""
    command = [sys.executable, "-c", LIMITED, str(at_most), str(ROOT / "cli.py"), "export", str(PILOT), *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, env={**os.environ, **environment}, stdout=into, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.usefixtures("pilot")
async def test_whoever_reads_no_further_is_not_told_of_it(environment: dict[str, str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    ended = await in_a_process(environment, into=writes)
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.usefixtures("pilot")
async def test_a_full_disk_is_named_and_no_line_is_torn(
    environment: dict[str, str], export: Export, tmp_path: Path
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    ended = await in_a_process(environment, into=full)
    os.close(full)
    assert ended.stderr == "Error: Standard output cannot be written: No space left on device.\n"

    whole = (await export(str(PILOT))).stdout_bytes
    lines = whole.splitlines(keepends=True)
    file = tmp_path / "killmails.csv"
    ended = await in_a_process(environment, "--output", str(file), at_most=len(b"".join(lines[:5])) + 9)
    assert ended.stderr.startswith(f"Error: {file} cannot be written: File too large. 4 killmails were written;")
    assert (ended.returncode, file.read_bytes()) == (1, b"".join(lines[:5]))
    cursor = ended.stderr.partition("--after ")[2].strip().rstrip(".")
    assert (await export(str(PILOT), "--output", file.name, "--after", cursor)).stderr == "6 killmails.\n"
    assert file.read_bytes() == whole
