"""Revisions while others use the tables: what squawk allows, who waits for a lock, and for how long."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from db import migrate as migrating
from db.migrate import MIGRATIONS, TableInUse, migrate, pending_revisions

EXEMPT = (
    *("0001", "0002", "0004", "0005", "0006", "0007", "0010", "0008", "0009", "0011", "0012", "0013", "0014", "0015"),
)
"""Older than the first release: no version before it works beside them. Nothing joins this list."""
DEALT_WITH = {
    "prefer-robust-stmts": "a revision is one transaction: there is no half of it to be robust against",
    "prefer-bigint-over-int": "counts of one pilot stay small",
    "prefer-bigint-over-smallint": "so do numbers of kinds",
    "require-lock-timeout": "db/migrate.py sets it in every transaction",
    "require-statement-timeout": "db/migrate.py sets it in every transaction",
}
"""Rules of squawk that hold anyway, or say nothing about who waits."""
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_by_name'::regclass"
HEAD = """
from alembic import op
import sqlalchemy as sa
from db.migrations import online
revision, down_revision = {revision!r}, {before!r}
"""
INDEX = 'online.create_index("users_by_name", "users", ["name", sa.literal_column("character_id DESC")])'
HARMLESS = {
    "a column": 'op.add_column("users", sa.Column("nickname", sa.Text(), nullable=True))',
    "an index": INDEX,
    "no index any more": 'online.drop_index("users_by_name", "users")',
    "what is allowed": 'op.drop_column("users", "name")\nALLOWED = {"ban-drop-column": "unread since 0.3"}',
}
HARMFUL = {
    "require-concurrent-index-creation": 'op.create_index("slow", "users", ["name"])',
    "adding-required-field": 'op.add_column("users", sa.Column("nickname", sa.Text(), nullable=False))',
    "changing-column-type": 'op.alter_column("users", "name", type_=sa.String(9))',
    "ban-drop-column": 'op.drop_column("users", "name")',
    "constraint-missing-not-valid": 'op.create_check_constraint("named", "users", "name <> \'\'")',
}


def following(migrations: Path, *bodies: str) -> None:
    """Write revisions that follow the last one."""
    before = chain(migrations)[-1].revision
    for number, body in enumerate(bodies, start=9000):
        revision = f"r{number}"
        upgrade, _, declared = body.partition("\n")
        text = HEAD.format(revision=revision, before=before) + f"{declared}\ndef upgrade():\n    {upgrade}\n"
        (migrations / "versions" / f"{revision}_made_up.py").write_text(text)
        before = revision


def chain(migrations: Path) -> list[Script]:
    """Oldest first."""
    return [*ScriptDirectory(str(migrations)).walk_revisions()][::-1]


def complaints(migrations: Path, revision: Script) -> str:
    """What squawk says of the SQL of one revision."""
    sql = io.StringIO()
    config = Config(output_buffer=sql)
    config.set_main_option("script_location", str(migrations))
    command.upgrade(config, f"{revision.down_revision}:{revision.revision}", sql=True)
    allowed = getattr(revision.module, "ALLOWED", {})
    assert all(allowed.values()), "each with its reason"
    exclude = ",".join((*DEALT_WITH, *allowed))
    # Postgres 15 is the oldest that is still maintained.
    squawk = [
        str(Path(sys.executable).with_name("squawk")),
        "--pg-version=15.0",
        "--reporter=gcc",
        f"--exclude={exclude}",
    ]
    checked = subprocess.run(squawk, input=sql.getvalue(), capture_output=True, text=True, check=False)
    return checked.stdout if checked.returncode else ""


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ours, which `migrate` takes."""
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    monkeypatch.setattr(migrating, "MIGRATIONS", tmp_path / "migrations")
    return tmp_path / "migrations"


def test_the_version_before_can_live_with_every_revision() -> None:
    ours = chain(MIGRATIONS)
    assert tuple(one.revision for one in ours[: len(EXEMPT)]) == EXEMPT
    found = {Path(one.path).name: complaints(MIGRATIONS, one) for one in ours[len(EXEMPT) :]}
    assert not {name: said for name, said in found.items() if said}


def test_what_would_stop_writers_is_found(migrations: Path) -> None:
    count = len(chain(migrations))
    following(migrations, *HARMLESS.values(), *HARMFUL.values())
    made = [complaints(migrations, one) for one in chain(migrations)[count:]]
    assert dict(zip(HARMLESS, made, strict=False)) == dict.fromkeys(HARMLESS, "")
    for rule, said in zip(HARMFUL, made[len(HARMLESS) :], strict=True):
        assert rule in said


@pytest.mark.new_database
async def test_a_revision_that_has_no_lock_gives_up_and_lets_writers_on(
    database_url: str, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_SECONDS", 1)
    monkeypatch.setattr(migrating, "LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(migrating, "LOCK_PAUSE_SECONDS", 0.2)
    following(migrations, HARMLESS["a column"])
    other = await asyncpg.connect(database_url, server_settings={"application_name": "a long report"})
    writer = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT FROM users")
        started = time.monotonic()
        upgrading = asyncio.create_task(migrate(database_url))
        longest = 0.0
        while not upgrading.done():
            before = time.monotonic()
            await writer.execute("INSERT INTO accounts DEFAULT VALUES")
            await writer.execute("UPDATE users SET name = name")
            longest = max(longest, time.monotonic() - before)
        with pytest.raises(TableInUse, match=rf"process {other.get_server_pid()} \(a long report\), open for \d+ s"):
            await upgrading
        assert 2 < time.monotonic() - started < 10
        assert 0.5 < longest < 2, "behind the revision's wait for one lock, and not behind all of them"
        assert await pending_revisions(database_url) == ["9000_made_up"]

    async with other.transaction():
        await other.execute("SELECT FROM users")
        upgrading = asyncio.create_task(migrate(database_url))
        await is_waiting(writer)
    assert await upgrading == ["9000_made_up"], "the transaction has ended meanwhile"
    await other.close()
    await writer.close()


@pytest.mark.new_database
async def test_nobody_is_to_be_ended_for_a_vacuum_that_steps_aside_for_no_one(
    database_url: str, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres begins one in its own time, so its list of processes is made up."""
    processes = """(
        SELECT pid, type, current_database(), name, query, clock_timestamp() - make_interval(mins => age)
        FROM (VALUES
            (7, 'autovacuum worker', '', 'autovacuum: VACUUM public.users (to prevent wraparound)', 1),
            (8, 'client backend', 'a long report', 'SELECT', 60),
            (9, 'autovacuum worker', '', 'autovacuum: VACUUM public.killmails', 90)
        ) AS one(pid, type, name, query, age)
    ) AS pg_stat_activity(pid, backend_type, datname, application_name, query, xact_start)"""
    asked = migrating._OLDEST_TRANSACTION.replace("pg_stat_activity", processes)
    monkeypatch.setattr(migrating, "_OLDEST_TRANSACTION", asked)
    monkeypatch.setattr(migrating, "LOCK_SECONDS", 1)
    monkeypatch.setattr(migrating, "LOCK_ATTEMPTS", 1)
    following(migrations, HARMLESS["a column"])
    vacuum = await asyncpg.connect(database_url)
    async with vacuum.transaction():
        await vacuum.execute("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(TableInUse, match=r"Process 7 has vacuumed for 60 s \(.*public\.users.*\): wait for it\."):
            await migrate(database_url)
    await vacuum.close()


@pytest.mark.new_database
async def test_an_index_that_was_interrupted_is_made_again_while_others_write(
    database_url: str, migrations: Path
) -> None:
    following(migrations, INDEX)
    other = await asyncpg.connect(database_url)
    writer = await asyncpg.connect(database_url)
    held = other.transaction()
    await held.start()
    await other.execute("UPDATE users SET name = name")
    upgrading = asyncio.create_task(migrate(database_url))
    building = await is_waiting(writer)
    await writer.execute("UPDATE users SET name = name", timeout=0.5)
    await writer.execute("SELECT pg_cancel_backend($1)", building)
    with pytest.raises(Exception, match="canceling statement due to user request"):
        await upgrading
    assert await writer.fetchval(IS_VALID) is False
    await held.rollback()
    assert await migrate(database_url) == ["9000_made_up"]
    assert await writer.fetchval(IS_VALID) is True
    await other.close()
    await writer.close()


async def is_waiting(connection: asyncpg.Connection) -> int:
    """The process that migrates, once it waits for a lock."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not (process := await connection.fetchval(waiting)):  # noqa: ASYNC110 - the event is in Postgres
            await asyncio.sleep(0.02)
    return int(process)
