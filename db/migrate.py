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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Row, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from db.address import DatabaseAddress, database_address
from db.connection import connect, find_pooler

MIGRATIONS = Path(__file__).with_name("migrations")
ADVISORY_LOCK = 0x6B696C6C7265706F  # "killrepo": one migration at a time in one database
TRY_LOCK = f"SELECT WHERE pg_try_advisory_xact_lock({ADVISORY_LOCK})"
WAIT_SECONDS = 600
"""How long to wait for another process that migrates the same database."""
LOCK_SECONDS = 3
"""How long a revision waits for a lock on a table. Whoever wants to write to the table meanwhile waits behind it."""
LOCK_ATTEMPTS = 10
LOCK_PAUSE_SECONDS = 5.0
"""Between two attempts; writers go on then."""
_NO_LOCK = ("55P03", "40P01")
"""Postgres's lock_not_available and deadlock_detected."""
# A vacuum that Postgres began of itself steps aside for us, unless it is one against the wraparound of transaction ids.
_OLDEST_TRANSACTION = """
SELECT
    pid, application_name, extract(epoch FROM clock_timestamp() - xact_start)::bigint AS seconds,
    CASE WHEN backend_type = 'autovacuum worker' THEN query END AS vacuum
FROM pg_stat_activity
WHERE
    datname = current_database()
    AND (
        backend_type = 'client backend'
        -- How Postgres says it (autovacuum.c, autovac_report_activity).
        OR backend_type = 'autovacuum worker' AND query LIKE '%(to prevent wraparound)'
    )
    AND application_name <> 'killreport migrate'
    AND xact_start IS NOT NULL
ORDER BY backend_type, xact_start
LIMIT 1
"""


class MigrationBusy(Exception):
    """Another process has been migrating this database for `WAIT_SECONDS`."""


class TableInUse(Exception):
    """Others hold a table too long for a revision to have its lock; nothing of the revision is left behind."""


class DatabaseIsNewer(Exception):
    """A newer version of this program migrated the database; this one must not touch it."""


async def migrate(database_url: str) -> list[str]:
    """Apply every pending revision; safe to call from several processes at once.

    Returns:
        The names of the revisions applied, oldest first; empty when there was nothing to do.

    Raises:
        MigrationBusy: another process holds the lock for too long.
        TableInUse: a revision did not get the lock of a table, `LOCK_ATTEMPTS` times.
        DatabaseIsNewer: the database has a revision that this program does not know.
        BadDatabaseUrl, OSError, asyncpg.PostgresError: the database does not take a connection.
        sqlalchemy.exc.SQLAlchemyError: a revision failed. Nothing of it is left behind.
    """
    address = database_address(database_url)
    is_pooled = await find_pooler(address, {})
    async with _alone(address, is_pooled), _connect(address, is_pooled) as connection:
        pending = await connection.run_sync(_pending)
        await connection.commit()
        if pending:
            await _upgrade_patiently(connection, is_pooled)
        return pending


async def _upgrade_patiently(connection: AsyncConnection, is_pooled: bool) -> None:
    """Gives up a lock that it does not get soon, and tries again, so that those who write wait for `LOCK_SECONDS` only.

    What was applied before stays applied; the revision that found no lock begins anew.
    """
    for attempt in range(LOCK_ATTEMPTS):
        if attempt:
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        try:
            await connection.run_sync(_upgrade, is_pooled)
            await connection.commit()
            return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _NO_LOCK:
                raise
            await connection.rollback()
            refusal = error
    oldest = (await connection.exec_driver_sql(_OLDEST_TRANSACTION)).one_or_none()
    raise TableInUse(
        f"a table was in use, and {LOCK_ATTEMPTS} attempts to lock it within {LOCK_SECONDS} s failed.{_whose(oldest)}"
        " Then migrate again: what was applied stays, and nothing of the revision that failed is left behind."
    ) from refusal


def _whose(oldest: Row[Any] | None) -> str:
    if oldest is None:
        return ""
    if oldest.vacuum:
        return f" Process {oldest.pid} has vacuumed for {oldest.seconds} s ({oldest.vacuum}): wait for it."
    return (
        f" The oldest open transaction is that of process {oldest.pid} ({oldest.application_name or 'without a name'}),"
        f" open for {oldest.seconds} s: end it, or wait for it."
    )


async def pending_revisions(database_url: str) -> list[str]:
    """The names of the revisions that `migrate` would apply, oldest first. Writes nothing.

    Raises:
        DatabaseIsNewer: the database has a revision that this program does not know.
        OSError, asyncpg.PostgresError: the database does not take a connection.
        sqlalchemy.exc.DBAPIError: it does not tell its revision, for want of a right, say.
    """
    address = database_address(database_url)
    async with _connect(address, await find_pooler(address, {})) as connection:
        return await connection.run_sync(_pending)


@asynccontextmanager
async def _connect(address: DatabaseAddress, is_pooled: bool) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(_open, address, is_pooled),
        poolclass=NullPool,
        # Behind a pooler nothing is prepared by name: the name may be taken, or unknown, on the next connection.
        connect_args={"prepared_statement_cache_size": 0, "prepared_statement_name_func": str} if is_pooled else {},
    )
    event.listen(engine.sync_engine, "begin", _let_take_long)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def _open(address: DatabaseAddress, is_pooled: bool) -> asyncpg.Connection:
    return await connect(replace(address, application_name="killreport migrate"), is_pooled=is_pooled, session={})


def _let_take_long(connection: Connection) -> None:
    """A statement may take long, whatever the server says of others; to have its lock may not."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")


@asynccontextmanager
async def _alone(address: DatabaseAddress, is_pooled: bool) -> AsyncIterator[None]:
    """Hold the lock of migrations, on a connection of its own.

    It is one of a transaction, which works behind a pooler, too; the revisions have transactions of their own. At this
    isolation a transaction that does nothing holds no snapshot, for which CREATE INDEX CONCURRENTLY would wait.
    """
    lock = await _open(address, is_pooled)
    try:
        async with lock.transaction(isolation="read_committed"):
            await lock.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await _obtain(lock)
            yield
    finally:
        lock.terminate()


async def _obtain(connection: asyncpg.Connection) -> None:
    # Tried again and again rather than waited for: a waiting statement holds a snapshot, and
    # CREATE INDEX CONCURRENTLY of the process that migrates would wait for that for ever. It would wait as long for the
    # portal that asyncpg's `fetch` leaves open; `execute` without arguments leaves none, and tells the number of rows.
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while await connection.execute(TRY_LOCK) != "SELECT 1":  # noqa: ASYNC110 - the event is elsewhere
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


def _upgrade(connection: Connection, is_pooled: bool) -> None:
    config = configuration(connection)
    config.attributes["is_pooled"] = is_pooled
    command.upgrade(config, "head")


def _pending(connection: Connection) -> list[str]:
    heads = MigrationContext.configure(connection).get_current_heads()
    scripts = ScriptDirectory.from_config(configuration(connection))
    known = {revision.revision for revision in scripts.walk_revisions()}
    if strangers := set(heads) - known:
        raise DatabaseIsNewer(
            f"The database is at revision {', '.join(sorted(strangers))}, which this version of KillReport does not"
            " know: run the version that migrated it, or a later one."
        )
    pending = [_name(revision) for revision in scripts.iterate_revisions("heads", heads or "base")]
    return pending[::-1]


def _name(revision: Script) -> str:
    return Path(revision.path).stem.removeprefix("r")


async def newest_revisions(database_url: str, count: int) -> list[str]:
    """The names of the last `count` revisions of an up-to-date database, oldest first."""

    def newest(connection: Connection) -> list[str]:
        revisions = [*ScriptDirectory.from_config(configuration(connection)).walk_revisions()]
        return [_name(revision) for revision in reversed(revisions[:count])]

    async with _connect(database_address(database_url), False) as connection:
        return await connection.run_sync(newest)


async def take_back(database_url: str, count: int) -> None:
    """Downgrade by so many revisions: for benches and whoever writes a migration, in a database of their own."""
    async with _connect(database_address(database_url), False) as connection:
        await connection.run_sync(lambda synchronous: command.downgrade(configuration(synchronous), f"-{count}"))
        await connection.commit()


async def new_revision(database_url: str, message: str) -> None:
    """Write the revision that brings an up-to-date database to the models, as the next file of the chain."""

    def generate(connection: Connection) -> None:
        config = configuration(connection)
        place = sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions()) + 1
        command.revision(config, message, autogenerate=True, rev_id=f"r{place:04}")

    address = database_address(database_url)
    async with _connect(address, await find_pooler(address, {})) as connection:
        await connection.run_sync(generate)


if __name__ == "__main__":
    asyncio.run(new_revision(os.environ["DATABASE_URL"], sys.argv[1]))
