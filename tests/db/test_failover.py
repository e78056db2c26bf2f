"""A primary that dies and the standby that takes its place, behind one address; a server that restarts."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.address import BadDatabaseUrl, database_address
from db.connection import NotWritable
from db.failures import DATABASE_FAILURES
from db.migrate import pending_revisions
from db.pool import open_pool
from sandbox.postgres import postgres
from sandbox.process import Part, PartNotReady, RunningPart, free_port
from tests.fixtures.relay import authority, relay

WRITE = "INSERT INTO written (number) VALUES ($1)"


@asynccontextmanager
async def running(part: Part) -> AsyncIterator[RunningPart]:
    started = await RunningPart.start(part)
    try:
        yield started
    finally:
        await started.stop()


def moved(url: str, port: int, host: str = "127.0.0.1", **parameters: str) -> str:
    """The same database at another address."""
    parts = urlsplit(url)
    said = "&".join(f"{name}={value}" for name, value in parameters.items())
    return parts._replace(netloc=f"{parts.username}:{parts.password}@{host}:{port}", query=said).geturl()


def standby(primary: Part, url: str, directory: Path, port: int) -> Part:
    """A part that follows `primary`, from a base backup."""
    *before, program = primary.argv[: primary.argv.index("-D")]
    data = directory / "postgres"
    parts = urlsplit(url)
    copy = [
        str(Path(program).with_name("pg_basebackup")),
        "-D",
        str(data),
        "-h",
        "127.0.0.1",
        "-R",
        "-X",
        "stream",
        "-c",
        "fast",
        "-N",
    ]
    copy += ["-p", str(parts.port), "-U", str(parts.username)]
    if os.geteuid() == 0:
        os.chown(directory, *(os.stat(_data_of(primary)).st_uid,) * 2)
    environment = {**os.environ, "PGPASSWORD": str(parts.password)}
    subprocess.run([*before, *copy], check=True, env=environment, capture_output=True)
    argv = [word.replace(str(_data_of(primary)), str(data)) for word in primary.argv]
    argv = [f"port={port}" if word.startswith("port=") else word for word in argv]
    there = moved(url, port)

    async def answers() -> None:
        try:
            await (await asyncpg.connect(there)).close()
        except asyncpg.PostgresError as error:
            raise PartNotReady(str(error)) from error

    return replace(primary, name="the standby", argv=argv, answers=answers, log_file=directory / "standby.log")


async def failure(work: Awaitable[object]) -> BaseException:
    """What it fails with."""
    with pytest.raises(DATABASE_FAILURES) as failed:
        await work
    return failed.value


async def until(database: asyncpg.Pool | asyncpg.Connection, question: str) -> None:
    """Wait until it answers true."""
    async with asyncio.timeout(20):
        while not await database.fetchval(question):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def _data_of(part: Part) -> str:
    return part.argv[part.argv.index("-D") + 1]


async def test_a_pool_follows_a_failover_and_never_keeps_a_standby(tmp_path: Path) -> None:
    directory = tmp_path / "standby"
    directory.mkdir()
    first_part, url = postgres(tmp_path / "primary", free_port(), settings={"wal_level": "replica"})
    async with running(first_part) as first, relay(urlsplit(url).port or 0) as address:
        second_port = free_port()
        async with (
            running(await asyncio.to_thread(standby, first_part, url, directory, second_port)),
            await open_pool(moved(url, address.port), max_size=4) as pool,
        ):
            await pool.execute("CREATE TABLE written (number bigint)")
            await asyncio.gather(*(pool.execute(WRITE, number) for number in range(8)))
            direct = await asyncpg.connect(moved(url, second_port))
            await until(direct, "SELECT to_regclass('written') IS NOT NULL")
            await until(direct, "SELECT count(*) = 8 FROM written")
            first.kill()
            address.target = second_port  # as a hoster's name leads to the standby before it is promoted
            # Each connection learns it once; a new one leads to the standby, and is not kept.
            told = [await failure(pool.execute(WRITE, 8)) for _ in range(6)]
            assert isinstance(told[-1], NotWritable)
            await direct.execute("SELECT pg_promote()")
            await direct.close()
            await asyncio.gather(*(pool.execute(WRITE, number) for number in range(8, 16)))
            assert await pool.fetchval("SELECT count(*) FROM written") == 16


async def test_a_pool_outlives_a_restart_and_a_time_without_writes(tmp_path: Path) -> None:
    port = free_port()
    part, url = postgres(tmp_path, port)
    async with running(part) as server, await open_pool(url, max_size=4) as pool:
        await pool.execute("CREATE TABLE written (number bigint)")
        await asyncio.gather(*(pool.execute("SELECT pg_sleep(0.01)") for _ in range(8)))
        await server.stop()
        with pytest.raises(DATABASE_FAILURES):
            await pool.execute(WRITE, 1)
        async with running(part):
            await pool.execute(WRITE, 1)
            await pool.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            await pool.execute("SELECT pg_reload_conf()")
            await until(pool, "SELECT current_setting('default_transaction_read_only') = 'on'")
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await pool.execute(WRITE, 2)
            async with pool.acquire() as connection:
                await connection.execute("SET default_transaction_read_only = off")
                await connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
                await connection.execute("SELECT pg_reload_conf()")
            await until(pool, "SELECT current_setting('default_transaction_read_only') = 'off'")
            await pool.execute(WRITE, 2)


@pytest.mark.parametrize(
    "parameters",
    [
        {"sslmode": "verify-full", "sslrootcert": "{file}"},
        {"sslmode": "require", "sslrootcert": "{file}"},
        {"sslmode": "require", "channel_binding": "require", "sslrootcert": "{file}"},
    ],
)
async def test_an_encrypted_connection_checks_who_answers(
    database_url: str, tmp_path: Path, parameters: dict[str, str]
) -> None:
    file, serving = authority(tmp_path)
    said = {name: value.format(file=file) for name, value in parameters.items()}
    async with relay(urlsplit(database_url).port or 0, tls=serving, speaks_postgres=True) as encrypted:
        url = moved(database_url, encrypted.port, "localhost", **said)
        async with await open_pool(url) as pool:
            assert await pool.fetchval("SELECT count(*) FROM users") == 0
        assert await pending_revisions(url) == []
        # One that nobody vouches for: the system's authorities do not know it.
        stranger = moved(database_url, encrypted.port, "localhost", sslmode="verify-full", sslrootcert="system")
        with pytest.raises(OSError, match="certificate verify failed"):
            await open_pool(stranger)
    with pytest.raises(BadDatabaseUrl, match="not there"):
        database_address(url.replace(str(file), f"{file}.elsewhere"))
