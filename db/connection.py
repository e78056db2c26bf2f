"""One connection to Postgres, straight or through a connection pooler (PgBouncer and its like, transaction mode).

Behind such a pooler a connection is a series of transactions, each perhaps on another one of the server's. What
belongs to a session does not work there: most settings at its start, statements prepared by name, session locks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg

from db.address import DatabaseAddress

NOT_POOLED = "unsupported startup parameter"
"""How PgBouncer, and those that speak like it, refuse a setting at the start."""


class NotWritable(ConnectionError):
    """The server takes no writes: a standby, or a primary that is being replaced. Soon another one will."""


class PoolerRefuses(ConnectionError):
    """A connection pooler does not take something DATABASE_URL asks for."""


async def connect(
    address: DatabaseAddress, *, is_pooled: bool, session: Mapping[str, str], **options: Any
) -> asyncpg.Connection:
    """Connect to a server that can be written to.

    A host may name another server after a failover, and a standby takes connections, too: one kept to it would fail at
    every write for as long as it lives. Behind a pooler that is the pooler's to see to.

    Args:
        session: settings of the connection, which a pooler does not get.
        options: further ones of `asyncpg.connect`.

    Raises:
        NotWritable: the server takes connections, but no writes.
        PoolerRefuses: DATABASE_URL has a parameter that the pooler does not know.
        db.failures.DATABASE_FAILURES: no connection.
    """
    arguments = {**address.arguments(), **options}
    settings = {"application_name": address.application_name or "killreport", "timezone": "UTC"}
    if is_pooled:
        arguments["statement_cache_size"] = 0
    else:
        settings = {**session, **settings}
        if not address.says_target:
            arguments["target_session_attrs"] = "read-write"
    try:
        connection: asyncpg.Connection = await asyncpg.connect(**arguments, server_settings=settings)
    except asyncpg.exceptions.TargetServerAttributeNotMatched as error:
        raise NotWritable("it takes no writes just now: a standby, or a failover is under way") from error
    except asyncpg.ProtocolViolationError as error:
        if is_pooled and NOT_POOLED in str(error):
            parameter = str(error).rpartition(": ")[2]
            raise PoolerRefuses(f"the connection pooler does not take the parameter {parameter}") from error
        raise
    return connection


async def find_pooler(address: DatabaseAddress, session: Mapping[str, str]) -> bool:
    """Whether a pooler is in between: it refuses our settings, or hands out process ids that are not the server's.

    Raises:
        db.failures.DATABASE_FAILURES: no connection.
    """
    if address.is_pooled is not None:
        return address.is_pooled
    try:
        connection = await connect(address, is_pooled=False, session=session, statement_cache_size=0)
    except asyncpg.ProtocolViolationError as error:
        if NOT_POOLED in str(error):
            return True
        raise
    try:
        return bool(await connection.fetchval("SELECT pg_backend_pid()") != connection.get_server_pid())
    finally:
        connection.terminate()
