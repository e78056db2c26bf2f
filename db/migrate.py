"""Bring a database to the tables this program expects: Alembic's revisions, run from code.

Needs no alembic.ini. A new revision is made from the models with
`python -m db.migrate "what it does"` against a database that is up to date (`DATABASE_URL`).

The number in a file's name is the revision's place in the chain. The `revision` in the file is what databases remember:
it never changes. In the first files the two are numbered differently (docs/decisions/0019).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).with_name("migrations")
ADVISORY_LOCK = 0x6B696C6C7265706F  # "killrepo": one migration at a time in one database
WAIT_SECONDS = 600
"""How long to wait for another process that migrates the same database."""


class MigrationBusy(Exception):
    """Another process has been migrating this database for `WAIT_SECONDS`."""


class DatabaseIsNewer(Exception):
    """A newer version of this program migrated the database; this one must not touch it."""


async def migrate(database_url: str) -> list[str]:
    """Apply every pending revision; safe to call from several processes at once.

    Returns:
        The names of the revisions applied, oldest first; empty when there was nothing to do.

    Raises:
        MigrationBusy: another process holds the lock for too long.
        DatabaseIsNewer: the database has a revision that this program does not know.
        OSError, asyncpg.PostgresError: the database does not take a connection.
        sqlalchemy.exc.SQLAlchemyError: a revision failed. Nothing of it is left behind.
    """
    async with _connect(database_url) as connection:
        await _lock(connection)
        try:
            pending = await connection.run_sync(_pending)
            await connection.commit()
            if pending:
                await connection.run_sync(_upgrade)
                await connection.commit()
        finally:
            await connection.rollback()
            await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({ADVISORY_LOCK})")
            await connection.commit()
        return pending


async def pending_revisions(database_url: str) -> list[str]:
    """The names of the revisions that `migrate` would apply, oldest first. Writes nothing.

    Raises:
        DatabaseIsNewer: the database has a revision that this program does not know.
        OSError, asyncpg.PostgresError: the database does not take a connection.
    """
    async with _connect(database_url) as connection:
        return await connection.run_sync(_pending)


@asynccontextmanager
async def _connect(database_url: str) -> AsyncIterator[AsyncConnection]:
    async def connect() -> asyncpg.Connection:
        # asyncpg reads the URL itself, so every URL that the pool takes works here too. No
        # statement_timeout: an index on a large table may take long, a lock may not.
        return await asyncpg.connect(
            database_url, server_settings={"application_name": "killreport migrate", "lock_timeout": "60s"}
        )

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def _lock(connection: AsyncConnection) -> None:
    # Tried again and again rather than waited for: a waiting statement holds a snapshot, and
    # CREATE INDEX CONCURRENTLY of the process that migrates would wait for that for ever.
    async def obtained() -> bool:
        result = await connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})")
        await connection.commit()
        return bool(result.scalar())

    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await obtained():  # noqa: ASYNC110 - the event is in another process
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise MigrationBusy(
            f"Another process has been migrating this database for {WAIT_SECONDS} seconds; look at it first."
        ) from None


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for one open connection; `migrations/env.py` takes it from there."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(configuration(connection), "head")


def _pending(connection: Connection) -> list[str]:
    heads = MigrationContext.configure(connection).get_current_heads()
    scripts = ScriptDirectory.from_config(configuration(connection))
    known = {revision.revision for revision in scripts.walk_revisions()}
    if strangers := set(heads) - known:
        raise DatabaseIsNewer(
            f"The database is at revision {', '.join(sorted(strangers))}, which this version of KillReport does not"
            " know: run the version that migrated it, or a later one."
        )
    pending = [Path(revision.path) for revision in scripts.iterate_revisions("heads", heads or "base")]
    return [path.stem.removeprefix("r") for path in reversed(pending)]


async def new_revision(database_url: str, message: str) -> None:
    """Write the revision that brings an up-to-date database to the models, as the next file of the chain."""

    def generate(connection: Connection) -> None:
        config = configuration(connection)
        place = sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions()) + 1
        command.revision(config, message, autogenerate=True, rev_id=f"r{place:04}")

    async with _connect(database_url) as connection:
        await connection.run_sync(generate)


if __name__ == "__main__":
    asyncio.run(new_revision(os.environ["DATABASE_URL"], sys.argv[1]))
