"""API keys: 256 random bits behind `krk_`, kept as their SHA-256, shown once. For programs of a pilot's."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from db.accounts.sessions import CALLER_COLUMNS, Caller, Scope, digest, new_secret, seen_by

PREFIX = "krk_"
"""Known by scanners for secrets that were committed by mistake, and by eyes."""
FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
HINT_LENGTH = len(PREFIX) + 4
MOST_KEYS = 10
"""Of one account: each key has limits of its own, so their number must have one."""
USED_EVERY = timedelta(minutes=5)
"""A use is written down at most this often."""


class TooManyKeys(Exception):
    """The account has `MOST_KEYS` already."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as its owner sees it: never the key itself."""

    api_key_id: int
    name: str
    hint: str
    scopes: frozenset[Scope]
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `secret` is shown now and never again."""

    shown: ShownKey
    secret: str = field(repr=False)


async def create_api_key(pool: asyncpg.Pool, account_id: int, name: str, scopes: Collection[Scope]) -> NewKey:
    """Make a key.

    Raises:
        TooManyKeys: one must be revoked first.
    """
    secret = PREFIX + new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
        if await connection.fetchval("SELECT count(*) FROM api_keys WHERE account_id = $1", account_id) >= MOST_KEYS:
            raise TooManyKeys
        row = await connection.fetchrow(
            "INSERT INTO api_keys (account_id, key_hash, name, hint, scopes) VALUES ($1, $2, $3, $4, $5) RETURNING *",
            account_id,
            digest(secret),
            name,
            secret[:HINT_LENGTH],
            sorted(scopes),
        )
    assert row is not None  # noqa: S101 - RETURNING
    return NewKey(_shown(row), secret)


async def account_api_keys(pool: asyncpg.Pool, account_id: int) -> list[ShownKey]:
    """The account's keys, newest first."""
    rows = await pool.fetch("SELECT * FROM api_keys WHERE account_id = $1 ORDER BY api_key_id DESC", account_id)
    return [_shown(row) for row in rows]


async def revoke_api_key(pool: asyncpg.Pool, account_id: int, api_key_id: int) -> bool:
    """The key opens nothing any more; False if the account has no such key."""
    gone = await pool.fetchval(
        "DELETE FROM api_keys WHERE account_id = $1 AND api_key_id = $2 RETURNING true", account_id, api_key_id
    )
    return gone is not None


async def caller_of_key(pool: asyncpg.Pool, secret: str) -> Caller | None:
    """Whose key this is; None when it is unknown or revoked. Notes the use, rarely."""
    row = await pool.fetchrow(
        f"""
        SELECT account_id, api_key_id, scopes, coalesce(last_used_at < now() - $2::interval, true) AS unused,
               {CALLER_COLUMNS}
          FROM api_keys AS proved WHERE key_hash = $1
        """,  # noqa: S608 - a constant
        digest(secret),
        USED_EVERY,
    )
    if row is None:
        return None
    if row["unused"]:
        await pool.execute("UPDATE api_keys SET last_used_at = now() WHERE api_key_id = $1", row["api_key_id"])
    return _caller(row)


async def callers_of_keys(pool: asyncpg.Pool, secrets: Collection[str]) -> dict[str, Caller]:
    """The same for many at once, without noting a use; those that open nothing are left out."""
    by_digest = {digest(secret): secret for secret in secrets}
    rows = await pool.fetch(
        f"SELECT key_hash, account_id, api_key_id, scopes, {CALLER_COLUMNS}"  # noqa: S608 - a constant
        " FROM api_keys AS proved WHERE key_hash = ANY ($1)",
        list(by_digest),
    )
    return {by_digest[row["key_hash"]]: _caller(row) for row in rows}


def _caller(row: asyncpg.Record) -> Caller:
    return Caller(
        *seen_by(row),
        api_key_id=row["api_key_id"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
    )


def _shown(row: asyncpg.Record) -> ShownKey:
    return ShownKey(
        row["api_key_id"],
        row["name"],
        row["hint"],
        frozenset(Scope(scope) for scope in row["scopes"]),
        row["created_at"],
        row["last_used_at"],
    )
