"""The connections to Postgres that a process shares.

jsonb travels as text both ways (asyncpg's own default): callers read and write it with orjson, and a
killmail's body goes from ESI to the database without ever becoming Python objects.
"""

from __future__ import annotations

import asyncpg

STATEMENT_TIMEOUT_SECONDS = 30
"""No statement of ours needs longer; one that does is ended by the server instead of holding its locks."""
SERVER_SETTINGS = {
    "application_name": "killreport",
    "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
    # A process that hangs inside a transaction must not hold row locks for ever.
    "idle_in_transaction_session_timeout": "120s",
    # Our statements are short: compiling one costs more than running it.
    "jit": "off",
    "timezone": "UTC",
}


async def open_pool(
    database_url: str, *, max_size: int = 10, statement_timeout_seconds: int = STATEMENT_TIMEOUT_SECONDS
) -> asyncpg.Pool:
    """A pool of connections; close it, or use it as `async with await open_pool(url) as pool:`.

    Args:
        database_url: `postgresql://user:password@host:port/database`, with whatever else a libpq URL holds.
        max_size: connections this process opens at most.
        statement_timeout_seconds: after which the server ends a statement.

    Raises:
        OSError, asyncpg.PostgresError: the database does not take a connection.
    """
    return await asyncpg.create_pool(
        database_url,
        min_size=1,
        max_size=max_size,
        # The client's own limit, for a server that went away without a word; later than the server's.
        command_timeout=statement_timeout_seconds + 15,
        server_settings={**SERVER_SETTINGS, "statement_timeout": f"{statement_timeout_seconds}s"},
    )
