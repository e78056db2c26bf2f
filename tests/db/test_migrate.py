"""The revisions bring any database to the models, once, whoever runs them."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

import db.tables.killmails  # noqa: F401 - fills SQLModel.metadata
from db.migrate import (
    ADVISORY_LOCK,
    MIGRATIONS,
    DatabaseIsNewer,
    configuration,
    migrate,
    new_revision,
    pending_revisions,
)
from tests.paths import ROOT

pytestmark = pytest.mark.new_database  # what they do to alembic_version is not for other tests
T = TypeVar("T")
RELEASED = (
    *("0001", "0002", "0004", "0005", "0006", "0007", "0010", "0008", "0009", "0011", "0012", "0013", "0014", "0015"),
)
"""What databases have in `alembic_version`, in the order it was applied: a promise, not to be tidied up."""


@pytest.fixture
async def empty_database(postgres_url: str) -> AsyncIterator[str]:
    server = postgres_url.rpartition("/")[0]
    name = f"empty_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}"')
    yield f"{server}/{name}"
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


async def test_migrate_applies_all_revisions_once(empty_database: str) -> None:
    waiting = await pending_revisions(empty_database)
    assert waiting
    assert await migrate(empty_database) == waiting
    assert await migrate(empty_database) == []
    assert await pending_revisions(empty_database) == []


async def test_asking_what_is_pending_writes_nothing(empty_database: str) -> None:
    await pending_revisions(empty_database)
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()


async def test_models_and_revisions_agree(database_url: str) -> None:
    assert await differences_from_models(database_url) == []


def test_files_are_numbered_by_their_place_in_the_chain() -> None:
    chain = revisions()
    files = [Path(revision.path).name for revision in chain]
    assert [name[:6] for name in files] == [f"r{place:04}_" for place in range(1, len(files) + 1)]
    assert files == sorted(path.name for path in (MIGRATIONS / "versions").glob("r*.py"))
    assert tuple(revision.revision for revision in chain[: len(RELEASED)]) == RELEASED
    later = chain[len(RELEASED) :]
    assert [revision.revision for revision in later] == [Path(revision.path).name[:5] for revision in later]


@pytest.mark.parametrize("applied", [1, 6, 7, 8, 11, len(RELEASED)])
async def test_a_database_of_an_older_release_is_upgraded(empty_database: str, applied: int) -> None:
    await on_connection(
        empty_database, lambda connection: command.upgrade(configuration(connection), RELEASED[applied - 1])
    )
    assert await migrate(empty_database) == [Path(later.path).stem[1:] for later in revisions()[applied:]]
    assert await differences_from_models(empty_database) == []


async def test_a_new_revision_is_the_next_file(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    monkeypatch.setattr("db.migrate.MIGRATIONS", tmp_path / "migrations")
    chain = revisions()
    await new_revision(database_url, "what it does")
    number = f"{len(chain) + 1:04}"
    assert await pending_revisions(database_url) == [f"{number}_what_it_does"]
    [made] = (tmp_path / "migrations" / "versions").glob(f"r{number}_*.py")
    assert made.read_text().startswith('"""what it does."""')


async def test_two_processes_may_migrate_at_once(empty_database: str) -> None:
    program = "import asyncio, os, db.migrate as m; print(asyncio.run(m.migrate(os.environ['DATABASE_URL'])))"
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", program),
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": empty_database, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    answers = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert sorted(output.decode().strip() for output, _ in answers)[1] == "[]"  # one applied them, one had none to do
    assert await pending_revisions(empty_database) == []


async def test_migrate_waits_for_another_and_leaves_no_lock_behind(empty_database: str) -> None:
    other = await asyncpg.connect(empty_database)
    await other.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
    migrating = asyncio.create_task(migrate(empty_database))
    done, _ = await asyncio.wait([migrating], timeout=0.5)
    assert not done
    assert await other.fetchval("SELECT to_regclass('killmails')") is None
    await other.execute("SELECT pg_advisory_unlock($1)", ADVISORY_LOCK)
    assert await migrating
    assert await other.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK)
    await other.close()


async def test_a_revision_that_fails_leaves_nothing_of_itself(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations = tmp_path / "50% of a path with a space"
    shutil.copytree(MIGRATIONS, migrations)
    head = revisions()[-1].revision
    (migrations / "versions" / "r9999_broken.py").write_text(
        f"revision, down_revision = '9999', {head!r}\n"
        "from alembic import op\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half ()')\n"
        "    op.execute('SELECT 1 / 0')\n"
    )
    monkeypatch.setattr("db.migrate.MIGRATIONS", migrations)
    with pytest.raises(DBAPIError):
        await migrate(empty_database)
    assert await pending_revisions(empty_database) == ["9999_broken"]
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == head
    assert await connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK)
    await connection.close()


@pytest.mark.new_database
async def test_a_database_of_a_newer_program_is_left_alone(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = 'f00d'")
    await connection.close()
    for ask in (migrate, pending_revisions):
        with pytest.raises(DatabaseIsNewer, match="f00d"):
            await ask(database_url)


def revisions() -> list[Script]:
    """The chain, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return [*ScriptDirectory.from_config(config).walk_revisions()][::-1]


async def on_connection(url: str, work: Callable[[Connection], T]) -> T:
    engine = create_async_engine(sqlalchemy.make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    async with engine.connect() as connection:
        result = await connection.run_sync(work)
        await connection.commit()
    await engine.dispose()
    return result


async def differences_from_models(url: str) -> list[object]:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True, "compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    return await on_connection(url, differences)
