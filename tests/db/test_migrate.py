"""The revisions bring any database to the models, once, whoever runs them."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

import db.tables.killmails  # noqa: F401 - fills SQLModel.metadata
from db.migrate import ADVISORY_LOCK, MIGRATIONS, DatabaseIsNewer, migrate, pending_revisions
from tests.paths import ROOT


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
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True, "compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    engine = create_async_engine(
        sqlalchemy.make_url(database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


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
    (migrations / "versions" / "r9999_broken.py").write_text(
        f"revision, down_revision = '9999', {(await pending_revisions(empty_database))[-1]!r}\n"
        "from alembic import op\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half ()')\n"
        "    op.execute('SELECT 1 / 0')\n"
    )
    before = await pending_revisions(empty_database)
    monkeypatch.setattr("db.migrate.MIGRATIONS", migrations)
    with pytest.raises(DBAPIError):
        await migrate(empty_database)
    assert await pending_revisions(empty_database) == ["9999"]
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == before[-1]
    assert await connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK)
    await connection.close()


async def test_a_database_of_a_newer_program_is_left_alone(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = 'f00d'")
    await connection.close()
    for ask in (migrate, pending_revisions):
        with pytest.raises(DatabaseIsNewer, match="f00d"):
            await ask(database_url)
