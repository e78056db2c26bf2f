"""Connections to the backing services whose failures name the service, where it should be and its variable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import asyncpg
import redis.asyncio
import temporalio.client
import temporalio.service
from redis.exceptions import RedisError

from db.address import BadDatabaseUrl, database_address
from db.failures import DATABASE_FAILURES
from db.pool import STATEMENT_TIMEOUT_SECONDS, open_pool
from operations.failure import OperationFailed
from redis_client import REDIS_IS_AWAY, BadRedisUrl, open_redis
from settings import Settings
from temporal.connection import connect_temporal

CONNECT_SECONDS = 10.0


def place(url: str) -> str:
    """Host and port of a URL: what may be shown, without user or password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def reason(error: BaseException) -> str:
    """The first line of an error, or its name where it has no text (a time-out)."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextmanager
def postgres_failures(settings: Settings, *also: type[Exception]) -> Iterator[None]:
    """Turns what asyncpg raises inside into one sentence. An OSError is one of them: what else may raise it inside, a
    file say, must name itself.

    Args:
        also: what else Postgres is to blame for.
    """
    try:
        where = f"Postgres at {database_address(settings.database_url).place} (DATABASE_URL)"
    except BadDatabaseUrl as error:
        raise OperationFailed(f"DATABASE_URL {error}.") from error
    try:
        yield
    except asyncpg.UndefinedTableError as error:
        raise OperationFailed(f"{where} is not migrated ({reason(error)}): run `killreport migrate`.") from error
    except DATABASE_FAILURES + also as error:
        raise OperationFailed(f"{where} cannot be used: {reason(error)}.") from error


@asynccontextmanager
async def database(
    settings: Settings, *, statement_timeout_seconds: int = STATEMENT_TIMEOUT_SECONDS
) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """The pool of connections, closed at the end.

    Raises:
        OperationFailed: Postgres is away, refuses us or is not migrated.
    """
    # A ValueError: something in the URL that only asyncpg finds.
    with postgres_failures(settings, ValueError):
        async with asyncio.timeout(CONNECT_SECONDS):
            pool = await open_pool(settings.database_url, statement_timeout_seconds=statement_timeout_seconds)
    with postgres_failures(settings):
        try:
            yield pool
        finally:
            pool.terminate()


@asynccontextmanager
async def redis_client(settings: Settings) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of Redis that has answered once.

    Raises:
        OperationFailed: Redis is away or refuses us.
    """
    try:
        client = open_redis(settings.redis_url, socket_connect_timeout=CONNECT_SECONDS)
    except BadRedisUrl as error:
        raise OperationFailed(f"REDIS_URL {error}.") from error
    try:
        with _redis_failures(settings, *REDIS_IS_AWAY):
            await client.ping()
        # Without OSError: once it is connected redis-py has a name of its own for each, and others' are not Redis's.
        with _redis_failures(settings, RedisError):
            yield client
    finally:
        await client.aclose()


@contextmanager
def _redis_failures(settings: Settings, *failures: type[Exception]) -> Iterator[None]:
    try:
        yield
    except failures as error:
        where = f"Redis at {place(settings.redis_url)} (REDIS_URL)"
        raise OperationFailed(f"{where} cannot be used: {reason(error)}.") from error


@contextmanager
def temporal_failures(settings: Settings) -> Iterator[None]:
    """Turns what a connected client of Temporal raises inside into one sentence."""
    where = f"Temporal at {settings.temporal_address} (TEMPORAL_ADDRESS)"
    try:
        yield
    except temporalio.service.RPCError as error:
        raise OperationFailed(f"{where} refused: {reason(error)}.") from error
    except RuntimeError as error:
        raise OperationFailed(f"{where} cannot be reached: {reason(error)}.") from error


async def temporal_client(settings: Settings) -> temporalio.client.Client:
    """A client that has reached the server.

    Raises:
        OperationFailed: Temporal is away or refuses us.
    """
    try:
        with temporal_failures(settings):
            async with asyncio.timeout(CONNECT_SECONDS):
                return await connect_temporal(settings)
    except OSError as error:
        where = f"Temporal at {settings.temporal_address} (TEMPORAL_ADDRESS)"
        raise OperationFailed(f"{where} cannot be reached: {reason(error)}.") from error
