"""The grants: read, refreshed and destroyed. Always ciphertext here; `db/accounts/vault.py` opens it.

Every write compares `token_version` first, so that what was decided about an old token never harms a newer
one: whoever logs in meanwhile wins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from contracts.sync import SyncState

Database: TypeAlias = "asyncpg.Pool | PoolConnectionProxy[asyncpg.Record]"
"""A pool, or one connection of it."""


class TokenState(StrEnum):
    """`users.token_state`."""

    VALID = "valid"
    REVOKED = "revoked"
    OWNER_CHANGED = "owner_changed"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A character's grant as it is at rest: the tokens are ciphertext, None once destroyed."""

    character_id: int
    owner_hash: str
    corporation_id: int | None
    scopes: frozenset[str]
    access_token: bytes | None = field(repr=False)
    refresh_token: bytes | None = field(repr=False)
    expires_at: datetime | None
    state: TokenState
    version: int


async def load_token(database: Database, character_id: int) -> StoredToken | None:
    """The character's grant; None if the character is not known (any more)."""
    row = await database.fetchrow(
        """
        SELECT character_id, owner_hash, corporation_id, scopes, access_token, refresh_token, expires_at,
               token_state, token_version
          FROM users WHERE character_id = $1
        """,
        character_id,
    )
    if row is None:
        return None
    return StoredToken(
        character_id=row["character_id"],
        owner_hash=row["owner_hash"],
        corporation_id=row["corporation_id"],
        scopes=frozenset(row["scopes"]),
        access_token=row["access_token"],
        refresh_token=row["refresh_token"],
        expires_at=row["expires_at"],
        state=TokenState(row["token_state"]),
        version=row["token_version"],
    )


async def save_refreshed(
    database: Database,
    character_id: int,
    version: int,
    *,
    access_token: bytes,
    refresh_token: bytes,
    expires_at: datetime,
    scopes: Collection[str],
) -> bool:
    """Keep what a refresh gave, both tokens in one statement; False if the grant changed meanwhile."""
    saved = await database.fetchval(
        """
        UPDATE users SET access_token = $3, refresh_token = $4, expires_at = $5, scopes = $6,
                         token_version = token_version + 1
         WHERE character_id = $1 AND token_version = $2 AND token_state = 'valid'
        RETURNING true
        """,
        character_id,
        version,
        access_token,
        refresh_token,
        expires_at,
        sorted(scopes),
    )
    return saved is not None


async def withdraw(
    database: Database, character_id: int, version: int, token_state: TokenState, sync_state: SyncState
) -> bool:
    """Destroy both tokens and show the pilot why; False if a newer grant is there, which stays."""
    done = await database.fetchval(
        """
        UPDATE users SET access_token = NULL, refresh_token = NULL, expires_at = NULL, token_state = $3,
                         token_version = token_version + 1, sync_state = $4, sync_detail = '{}'
         WHERE character_id = $1 AND token_version = $2
        RETURNING true
        """,
        character_id,
        version,
        str(token_state),
        str(sync_state),
    )
    return done is not None


@asynccontextmanager
async def refresh_lock(pool: asyncpg.Pool, character_id: int) -> AsyncIterator[PoolConnectionProxy[asyncpg.Record]]:
    """One refresh of a character at a time, over all processes.

    Yields the connection that holds the lock; do the database work of the refresh on it, for a second one
    might have to wait for a pool that other refreshes have emptied.
    """
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock(hashtext('token refresh'), hashint8($1))", character_id)
        try:
            yield connection
        finally:
            await connection.execute("SELECT pg_advisory_unlock(hashtext('token refresh'), hashint8($1))", character_id)
