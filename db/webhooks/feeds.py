"""Feeds: 256 random bits that open the killmails of a filter to a feed reader, until they are revoked.

Kept as their SHA-256 and shown once. A feed tells no more than its maker may tell now (`db.webhooks.subjects`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson

from db.accounts.sessions import digest, new_secret
from db.killmails.filter import KillmailFilter
from db.killmails.filter_json import filter_from_json, filter_to_json
from db.webhooks.hooks import LONGEST_NAME, NotYours
from db.webhooks.subjects import Subject, holds

MOST_FEEDS = 50
"""Of one account."""
USED_EVERY = timedelta(minutes=5)


class TooManyFeeds(Exception):
    """The account has `MOST_FEEDS` already."""


@dataclass(frozen=True, slots=True)
class OpenedFeed:
    """What a token opens."""

    subject: Subject
    subject_id: int
    name: str
    chosen: KillmailFilter


@dataclass(frozen=True, slots=True)
class ShownFeed:
    """A feed as its maker sees it: never its token."""

    feed_id: int
    subject: Subject
    subject_id: int
    subject_name: str | None
    name: str
    chosen: dict[str, Any]
    works: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A feed that was just made; the token is shown now and never again."""

    feed_id: int
    token: str = field(repr=False)


def is_a_name(name: str) -> bool:
    """Whether a feed may be called so."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()


async def create_feed(
    pool: asyncpg.Pool,
    account_id: int,
    subject: Subject,
    subject_id: int,
    name: str,
    chosen: KillmailFilter,
    operators: Collection[int],
) -> NewFeed:
    """Make a feed.

    Raises:
        NotYours: it would open nothing.
        TooManyFeeds: one must be revoked first.
    """
    token = new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
        many = await connection.fetchval("SELECT count(*) FROM killmail_feeds WHERE account_id = $1", account_id)
        if many >= MOST_FEEDS:
            raise TooManyFeeds
        made = await connection.fetchrow(
            f"""
            INSERT INTO killmail_feeds AS hook (account_id, token_hash, subject, subject_id, name, filter)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING feed_id, {holds("$7")} AS works
            """,  # noqa: S608 - constants
            account_id,
            digest(token),
            str(subject),
            subject_id,
            name,
            orjson.dumps(filter_to_json(chosen)).decode(),
            list(operators),
        )
        assert made is not None  # noqa: S101 - it was just made
        if not made["works"]:
            raise NotYours  # which takes it back
    return NewFeed(made["feed_id"], token)


async def account_feeds(pool: asyncpg.Pool, account_id: int, operators: Collection[int]) -> list[ShownFeed]:
    """The account's feeds, newest first."""
    rows = await pool.fetch(
        f"""
        SELECT feed_id, subject, subject_id,
               (SELECT entities.name FROM entities WHERE entity_id = subject_id) AS subject_name,
               name, filter, {holds("$2")} AS works, created_at, last_used_at
          FROM killmail_feeds AS hook WHERE account_id = $1 ORDER BY feed_id DESC
        """,  # noqa: S608 - constants
        account_id,
        list(operators),
    )
    return [
        ShownFeed(
            row["feed_id"],
            Subject(row["subject"]),
            row["subject_id"],
            row["subject_name"],
            row["name"],
            orjson.loads(row["filter"]),
            row["works"],
            row["created_at"],
            row["last_used_at"],
        )
        for row in rows
    ]


async def revoke_feed(pool: asyncpg.Pool, account_id: int, feed_id: int) -> bool:
    """The feed opens nothing any more; False if the account has no such feed."""
    gone = await pool.fetchval(
        "DELETE FROM killmail_feeds WHERE account_id = $1 AND feed_id = $2 RETURNING true", account_id, feed_id
    )
    return gone is not None


async def feed_by(pool: asyncpg.Pool, token: str, operators: Collection[int]) -> OpenedFeed | None:
    """What this token opens now; None: nothing. Notes the use, rarely."""
    row = await pool.fetchrow(
        f"""
        SELECT feed_id, subject, subject_id, name, filter, coalesce(last_used_at < now() - $3::interval, true) AS unused
          FROM killmail_feeds AS hook WHERE token_hash = $1 AND {holds("$2")}
        """,  # noqa: S608 - constants
        digest(token),
        list(operators),
        USED_EVERY,
    )
    if row is None:
        return None
    if row["unused"]:
        await pool.execute("UPDATE killmail_feeds SET last_used_at = now() WHERE feed_id = $1", row["feed_id"])
    chosen = filter_from_json(orjson.loads(row["filter"]))
    return OpenedFeed(Subject(row["subject"]), row["subject_id"], row["name"], chosen)
