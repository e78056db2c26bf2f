"""The grants: read, refreshed and destroyed. Always ciphertext here; `db/accounts/vault.py` opens it.

Every write compares `token_version` first, so that what was decided about an old token never harms a newer
one: whoever logs in meanwhile wins.
"""

from __future__ import annotations

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
    LOST = "lost"
    """SSO renewed the grant and its answer never reached us."""
    UNREADABLE = "unreadable"
    """The key that encrypted it is lost."""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A character's grant as it is at rest: the tokens are ciphertext, None once destroyed.

    `expires_at` is the access token's (UTC); None beside an access token: it is not verified yet.
    """

    character_id: int
    owner_hash: str
    corporation_id: int | None
    scopes: frozenset[str]
    access_token: bytes | None = field(repr=False)
    refresh_token: bytes | None = field(repr=False)
    expires_at: datetime | None
    state: TokenState
    version: int


GRANT = """
    users.character_id, owner_hash, corporation_id, scopes, access_token, refresh_token, expires_at, token_state,
    token_version
"""
"""The columns of `users` that `stored_token` reads."""


def stored_token(row: asyncpg.Record) -> StoredToken:
    """The grant in a row with the columns `GRANT`."""
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


async def load_token(database: Database, character_id: int) -> StoredToken | None:
    """The character's grant; None if the character is not known (any more)."""
    row = await database.fetchrow(f"SELECT {GRANT} FROM users WHERE character_id = $1", character_id)  # noqa: S608 - a constant
    return None if row is None else stored_token(row)


async def save_issued(
    database: Database,
    character_id: int,
    version: int,
    *,
    access_token: bytes | None,
    refresh_token: bytes | None,
) -> int | None:
    """Keep what SSO gave, as it came: the access token is not good before `refresh_leases.save_verified`.

    Args:
        refresh_token: None keeps the one that is stored.

    Returns:
        The grant's new version; None if it changed meanwhile, or its character is gone.
    """
    new_version: int | None = await database.fetchval(
        """
        UPDATE users SET access_token = $3, refresh_token = coalesce($4, refresh_token), expires_at = NULL,
                         token_version = token_version + 1
         WHERE character_id = $1 AND token_version = $2 AND token_state = 'valid'
        RETURNING token_version
        """,
        character_id,
        version,
        access_token,
        refresh_token,
    )
    return new_version


async def withdraw(
    database: Database, character_id: int, version: int, token_state: TokenState, sync_state: SyncState
) -> int | None:
    """Destroy both tokens and show the pilot why; the account. None if a newer grant is there, which stays."""
    account_id: int | None = await database.fetchval(
        """
        UPDATE users SET access_token = NULL, refresh_token = NULL, expires_at = NULL, token_state = $3,
                         token_version = token_version + 1, sync_state = $4, sync_detail = '{}'
         WHERE character_id = $1 AND token_version = $2
        RETURNING account_id
        """,
        character_id,
        version,
        str(token_state),
        str(sync_state),
    )
    return account_id
