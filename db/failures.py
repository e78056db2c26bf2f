"""What a statement or a connection raises while Postgres, or the way to it, is away."""

from __future__ import annotations

import asyncpg

DATABASE_FAILURES = (
    OSError,  # refused, reset, no route; a time-out is one too
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A statement on a connection that the server has just ended: its last words were read, its end was not yet.
    asyncpg.InternalClientError,
)
"""Everything a statement or a new connection may fail with."""
AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica that was not promoted yet
)


def database_is_away(error: BaseException | None) -> bool:
    """Whether this is what Postgres, or the way to it, raises when it does not answer: an outage, no fault of ours."""
    return isinstance(error, AWAY) and not isinstance(error, ValueError)  # asyncpg's word for a wrong argument
