"""Filters of the feed that a pilot keeps under a name: the feed's address as its own links write it."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

MOST_FILTERS = 30
"""Of one account."""
LONGEST_NAME = 60


class TooManyFilters(Exception):
    """The account has `MOST_FILTERS` already."""


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """`query`: a query string of the feed."""

    saved_filter_id: int
    name: str
    query: str


async def save_filter(pool: asyncpg.Pool, account_id: int, name: str, query: str) -> None:
    """Keep it; what has the same name is replaced.

    Raises:
        TooManyFilters: one must be deleted first.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
        await connection.execute(
            "INSERT INTO saved_filters (account_id, name, query) VALUES ($1, $2, $3)"
            " ON CONFLICT (account_id, name) DO UPDATE SET query = excluded.query",
            account_id,
            name,
            query,
        )
        many = await connection.fetchval("SELECT count(*) FROM saved_filters WHERE account_id = $1", account_id)
        if many > MOST_FILTERS:
            raise TooManyFilters  # which takes it back


async def delete_filter(pool: asyncpg.Pool, account_id: int, saved_filter_id: int) -> bool:
    """Forget one; False if the account has no such filter."""
    gone = await pool.fetchval(
        "DELETE FROM saved_filters WHERE account_id = $1 AND saved_filter_id = $2 RETURNING true",
        account_id,
        saved_filter_id,
    )
    return gone is not None
