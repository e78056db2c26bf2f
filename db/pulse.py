"""Notices within seconds that Postgres has fallen silent, and then lets nobody wait for it.

A frozen server, or a network that drops everything, refuses nothing: a statement waits for as long as it may take, a
release waits for the statement, and a new connection for a handshake. So a connection of its own asks a trivial
question again and again. When that is not answered in time, all connections of the pool are given up: whoever waits
learns it at once, and whoever comes later does before anything is asked. The first answer ends it. A connection pooler
that has no connection left for two seconds counts as silent, too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
from prometheus_client import Histogram

from db.strangers import AT_ONCE, StrangersTurn, is_a_stranger

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
FIRST_SECONDS = 15.0
"""How long the first connection of a process may take."""
INTERVAL_SECONDS = 0.5
ACQUIRE_SECONDS = 4.0
LATE_SECONDS = 0.5
"""A time-out that comes later than it should says that this process stood still, and nothing of Postgres."""
CUT = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
FAILURES = (TimeoutError, *CUT)
WAITED = Histogram(
    "killreport_pool_wait_seconds",
    "How long somebody waited for a connection to Postgres.",
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 15),
)

Connect = Callable[..., Awaitable[asyncpg.Connection]]


class DatabaseSilent(ConnectionError):
    """Postgres has not answered for some seconds; it was not asked again."""

    def __init__(self) -> None:
        super().__init__("Postgres does not answer.")


class Pulse:
    """Whether Postgres answers. `create_pool` makes the pool it watches over, `run` is to run beside it.

    Args:
        patience_seconds: how long the trivial question, or a new connection, may take.
        acquire_seconds: how long somebody waits for a connection while all of them are busy; None: as long as it takes.
    """

    def __init__(
        self, patience_seconds: float = PATIENCE_SECONDS, acquire_seconds: float | None = ACQUIRE_SECONDS
    ) -> None:
        self.silent = False
        self._patience_seconds = patience_seconds
        self._acquire_seconds = acquire_seconds
        self._open: Callable[[], Awaitable[asyncpg.Connection]] | None = None
        self._connections: set[asyncpg.Connection] = set()

    async def create_pool(self, *, connect: Connect, **options: Any) -> asyncpg.Pool:
        """As `asyncpg.create_pool`.

        Raises:
            OSError, asyncpg.PostgresError: the database does not take a connection.
        """

        async def connect_unless_silent(*arguments: Any, **options: Any) -> asyncpg.Connection:
            if self.silent:
                raise DatabaseSilent
            opening = partial(connect, *arguments, **options)
            # Nobody waits for answers of a process that only starts, and a crowded machine is no silent database.
            patience = FIRST_SECONDS if self._open is None else self._patience_seconds
            try:
                async with asyncio.timeout(patience):
                    connection = await opening()
            except TimeoutError:
                raise DatabaseSilent from None
            self._open = opening
            self._connections = {one for one in self._connections if not one.is_closed()} | {connection}
            return connection

        return await _ImpatientPool(
            self._acquire_seconds,
            None,
            connect=connect_unless_silent,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            **options,
        )

    async def run(self) -> None:
        """For ever; ends by cancellation."""
        connection: asyncpg.Connection | None = None
        try:
            while True:
                began = time.monotonic()
                try:
                    async with asyncio.timeout(self._patience_seconds):
                        connection = await self._ask(connection)
                except FAILURES as error:
                    _give_up(connection)
                    connection = None
                    if time.monotonic() - began < self._patience_seconds + LATE_SECONDS:
                        self._fell_silent(error)
                except asyncpg.PostgresError:
                    _give_up(connection)  # it answers: it starts, or has no connection left
                    connection = None
                except Exception:
                    log.exception("The pulse of Postgres could not be taken; it is tried again.")
                else:
                    self._answered()
                await asyncio.sleep(INTERVAL_SECONDS)
        finally:
            _give_up(connection)

    async def _ask(self, connection: asyncpg.Connection | None) -> asyncpg.Connection | None:
        if connection is not None:
            try:
                await connection.fetchval("SELECT 1")
            except CUT:
                connection.terminate()  # this one was cut; a new one tells whether it is more than that
            else:
                return connection
        if self._open is None:
            return None
        connection = await self._open()
        try:
            await connection.fetchval("SELECT 1")
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _fell_silent(self, error: Exception) -> None:
        if not self.silent:
            log.warning("Postgres does not answer (%s): nobody waits for it until it does.", type(error).__name__)
        self.silent = True
        for connection in self._connections:
            connection.terminate()
        self._connections.clear()

    def _answered(self) -> None:
        if self.silent:
            log.warning("Postgres answers again.")
        self.silent = False


class _ImpatientPool(asyncpg.Pool):
    def __init__(self, acquire_seconds: float | None, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._acquire_seconds = acquire_seconds
        self._strangers = asyncio.Semaphore(AT_ONCE)

    def acquire(self, *, timeout: float | None = None) -> Any:
        seconds = self._acquire_seconds if timeout is None else timeout
        acquiring = super().acquire(timeout=seconds)
        return StrangersTurn(self._strangers, acquiring, seconds) if is_a_stranger() else acquiring

    async def _acquire(self, timeout: float | None) -> Any:
        # What both `acquire` and the pool's own `fetch…` and `execute` wait for.
        with WAITED.time():
            return await super()._acquire(timeout)  # type: ignore[misc] # not in the stubs


def _give_up(connection: asyncpg.Connection | None) -> None:
    if connection is not None:
        connection.terminate()
