"""The connections to Postgres that a process shares.

jsonb travels as text both ways (asyncpg's own default): callers read and write it with orjson, and a
killmail's body goes from ESI to the database without ever becoming Python objects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from db.address import database_address
from db.connection import connect, find_pooler
from db.pulse import Pulse

STATEMENT_TIMEOUT_SECONDS = 30
"""No statement of ours needs longer; one that does is ended by the server instead of holding its locks."""
SESSION = {
    "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
    # A process that hangs inside a transaction must not hold row locks for ever.
    "idle_in_transaction_session_timeout": "120s",
    # Our statements are short: compiling one costs more than running it.
    "jit": "off",
}


async def open_pool(
    database_url: str,
    *,
    max_size: int = 10,
    statement_timeout_seconds: int = STATEMENT_TIMEOUT_SECONDS,
    pulse: Pulse | None = None,
    resets_sessions: bool = True,
) -> asyncpg.Pool:
    """A pool of connections; close it, or use it as `async with await open_pool(url) as pool:`.

    Args:
        database_url: as `db/address.py` reads it.
        max_size: connections this process opens at most.
        statement_timeout_seconds: after which a statement is ended: by the server, or, behind a connection pooler,
            where it cannot be told so, by the client.
        pulse: watches over the pool where somebody waits for the answers; it must run.
        resets_sessions: whoever sets anything for longer than a transaction leaves it to nobody else. It is one more
            question to Postgres for each that is worth asking; behind a connection pooler there is none.

    Raises:
        BadDatabaseUrl: the URL cannot be used.
        db.failures.DATABASE_FAILURES: no connection.
    """
    address = database_address(database_url)
    session = {**SESSION, "statement_timeout": f"{statement_timeout_seconds}s"}
    is_pooled = await find_pooler(address, session)

    async def open_connection(*_: Any, **options: Any) -> asyncpg.Connection:
        return await connect(address, is_pooled=is_pooled, session=session, **options)

    create_pool: Callable[..., Awaitable[asyncpg.Pool]] = asyncpg.create_pool if pulse is None else pulse.create_pool
    return await create_pool(
        min_size=1,
        max_size=max_size,
        connect=open_connection,
        reset=None if resets_sessions and not is_pooled else _nothing,
        # The client's own limit, for a server that went away without a word; later than the server's.
        command_timeout=statement_timeout_seconds + (0 if is_pooled else 15),
    )


async def _nothing(_: asyncpg.Connection) -> None:
    pass
