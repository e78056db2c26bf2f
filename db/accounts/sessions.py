"""Who a browser is: sessions, and logins on their way through EVE SSO.

What the browser holds is 256 random bits; the database holds their SHA-256, so a copy of the database opens
no session. Times are UTC.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import asyncpg

from db.accounts.vault import TokenVault
from db.killmails.filter import Sight, Viewer
from db.visibility import ANYTHING_IS_PUBLIC, BOARDS_OF_USER, NOT_SOLD, PILOTS_OF_USER
from eve.sso.pkce import code_challenge, new_code_verifier

SESSION_LIFETIME = timedelta(days=30)
"""From the last visit, give or take `SEEN_EVERY`."""
SEEN_EVERY = timedelta(hours=1)
"""A visit is written down at most this often: reading a page is not a write."""
NO_ACCOUNT = 0
"""No account has this id."""
LOGIN_LIFETIME = timedelta(minutes=10)


class Scope(StrEnum):
    """What an API key may be used for."""

    READ = "read"  # queries and subscriptions
    SYNC = "sync"  # orders to the sync of a character


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in account, and the characters and corporations whose killmails it may see."""

    account_id: int
    character_ids: tuple[int, ...]
    corporation_ids: tuple[int, ...] = ()
    other_ids: tuple[int, ...] = ()
    """Characters of other accounts whose board is open to it, apart from public ones."""
    sees_public: bool = False
    """There are public boards."""
    sold_ids: tuple[int, ...] = ()
    """Characters of the account that have another owner in EVE: it sees that they are there, and none of what is
    theirs.
    """
    session_id: int | None = None
    """None when an API key speaks for the account."""
    api_key_id: int | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
    """Of the API key; a session has all, and may do what no key may."""

    @property
    def listed_ids(self) -> tuple[int, ...]:
        """All characters of the account, as its pages list them: of what it may see, `character_ids` tell."""
        return (*self.character_ids, *self.sold_ids)

    def viewer(self, *, everything: bool) -> Viewer:
        """Whose killmails it may see. `everything`: the installation is a public board."""
        sight: Sight = "ALL" if everything else "PUBLIC" if self.sees_public else "OWN"
        stranger = self.account_id == NO_ACCOUNT
        return Viewer(self.character_ids, self.corporation_ids, self.other_ids, sight, is_stranger=stranger)


STRANGER = Caller(NO_ACCOUNT, (), sees_public=True)
"""Somebody who is not logged in, where something is public."""


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session as its owner sees it."""

    session_id: int
    client: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StartedLogin:
    """What goes to EVE SSO: the state comes back, the challenge (S256, RFC 7636) is proved at the token endpoint."""

    state: str = field(repr=False)
    code_challenge: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginInProgress:
    """A login whose state came back for the first and only time."""

    code_verifier: str = field(repr=False)
    account_id: int | None
    same_browser: bool
    in_time: bool


def new_secret() -> str:
    """256 random bits in URL-safe characters."""
    return secrets.token_urlsafe(32)


async def start_session(pool: asyncpg.Pool, account_id: int, *, replacing: str | None = None, client: str = "") -> str:
    """A new session for the account; returns the cookie's value. `replacing`, the browser's old one, ends.

    Args:
        client: what it is, for the owner to know it by, such as "Firefox on Linux".
    """
    token = new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "DELETE FROM sessions WHERE session_hash = $1 OR (account_id = $2 AND expires_at < now())",
            digest(replacing or ""),
            account_id,
        )
        await connection.execute(
            "INSERT INTO sessions (session_hash, account_id, client, expires_at) VALUES ($1, $2, $3, now() + $4)",
            digest(token),
            account_id,
            client,
            SESSION_LIFETIME,
        )
    return token


CALLER_COLUMNS = f"""
    (SELECT coalesce(array_agg(character_id ORDER BY character_id), '{{}}')
       FROM users WHERE users.account_id = proved.account_id AND {NOT_SOLD}) AS character_ids,
    (SELECT coalesce(array_agg(character_id ORDER BY character_id), '{{}}')
       FROM users WHERE users.account_id = proved.account_id AND NOT {NOT_SOLD}) AS sold_ids,
    (SELECT coalesce(array_agg(DISTINCT board.corporation_id), '{{}}')
       FROM users CROSS JOIN LATERAL ({BOARDS_OF_USER}) AS board
      WHERE users.account_id = proved.account_id) AS corporation_ids,
    (SELECT coalesce(array_agg(DISTINCT pilot.character_id), '{{}}')
       FROM users CROSS JOIN LATERAL ({PILOTS_OF_USER}) AS pilot
      WHERE users.account_id = proved.account_id) AS other_ids,
    ({ANYTHING_IS_PUBLIC}) AS sees_public
"""  # noqa: S608 - constants of `db.visibility`
"""SQL: what a row of `proved`, who has an `account_id`, may see."""


def seen_by(
    row: asyncpg.Record,
) -> tuple[int, tuple[int, ...], tuple[int, ...], tuple[int, ...], bool, tuple[int, ...]]:
    """Of a `Caller`, the account and what `CALLER_COLUMNS` tell."""
    own, corporations, others, sold = (
        tuple(row[f"{whose}_ids"]) for whose in ("character", "corporation", "other", "sold")
    )
    return row["account_id"], own, corporations, others, row["sees_public"], sold


async def caller_of(pool: asyncpg.Pool, token: str) -> Caller | None:
    """Whose session this is; None when it is unknown, ended or expired. Slides its expiry, rarely."""
    row = await pool.fetchrow(
        f"""
        SELECT account_id, session_id, last_seen_at < now() - $2::interval AS unseen, {CALLER_COLUMNS}
          FROM sessions AS proved WHERE session_hash = $1 AND expires_at > now()
        """,  # noqa: S608 - a constant
        digest(token),
        SEEN_EVERY,
    )
    if row is None:
        return None
    if row["unseen"]:
        await pool.execute(
            "UPDATE sessions SET last_seen_at = now(), expires_at = now() + $2 WHERE session_hash = $1",
            digest(token),
            SESSION_LIFETIME,
        )
    return Caller(*seen_by(row), session_id=row["session_id"])


async def callers_of(pool: asyncpg.Pool, tokens: Collection[str]) -> dict[str, Caller]:
    """The same for many at once, without noting a visit; those that open nothing are left out."""
    by_digest = {digest(token): token for token in tokens}
    rows = await pool.fetch(
        f"""
        SELECT session_hash, account_id, session_id, {CALLER_COLUMNS}
          FROM sessions AS proved WHERE session_hash = ANY ($1) AND expires_at > now()
        """,  # noqa: S608 - a constant
        list(by_digest),
    )
    return {by_digest[row["session_hash"]]: Caller(*seen_by(row), session_id=row["session_id"]) for row in rows}


async def end_session(pool: asyncpg.Pool, token: str) -> None:
    """Log out: the cookie's value opens nothing any more."""
    await pool.execute("DELETE FROM sessions WHERE session_hash = $1", digest(token))


async def account_sessions(pool: asyncpg.Pool, account_id: int) -> list[ShownSession]:
    """The account's sessions, the one seen last first."""
    rows = await pool.fetch(
        "SELECT session_id, client, created_at, last_seen_at, expires_at FROM sessions"
        " WHERE account_id = $1 AND expires_at > now() ORDER BY last_seen_at DESC, session_id DESC",
        account_id,
    )
    return [ShownSession(**row) for row in rows]


async def end_sessions(
    pool: asyncpg.Pool, account_id: int, *, only: int | None = None, all_but: int | None = None
) -> int:
    """End one session of the account, or all but one; how many ended."""
    ended = await pool.fetch(
        "DELETE FROM sessions WHERE account_id = $1 AND ($2::bigint IS NULL OR session_id = $2)"
        " AND session_id IS DISTINCT FROM $3::bigint RETURNING 1",
        account_id,
        only,
        all_but,
    )
    return len(ended)


async def start_login(pool: asyncpg.Pool, vault: TokenVault, browser: str, account_id: int | None) -> StartedLogin:
    """Remember a login that goes to EVE SSO, bound to the secret in this browser's cookie.

    Args:
        account_id: the account the character is to be added to; None: log in.
    """
    state, verifier = new_secret(), new_code_verifier()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM login_attempts WHERE expires_at < now() - interval '1 hour'")
        await connection.execute(
            """
            INSERT INTO login_attempts (state_hash, browser_hash, code_verifier, account_id, expires_at)
            VALUES ($1, $2, $3, $4, now() + $5)
            """,
            digest(state),
            digest(browser),
            vault.encrypt(verifier),
            account_id,
            LOGIN_LIFETIME,
        )
    return StartedLogin(state, code_challenge(verifier))


async def take_login(pool: asyncpg.Pool, vault: TokenVault, state: str, browser: str) -> LoginInProgress | None:
    """The login this state belongs to, once: a state that comes a second time, or was never ours, gives None."""
    row = await pool.fetchrow(
        """
        DELETE FROM login_attempts WHERE state_hash = $1
        RETURNING browser_hash, code_verifier, account_id, expires_at > now() AS in_time
        """,
        digest(state),
    )
    if row is None:
        return None
    return LoginInProgress(
        code_verifier=vault.decrypt(row["code_verifier"]),
        account_id=row["account_id"],
        same_browser=secrets.compare_digest(row["browser_hash"], digest(browser)),
        in_time=row["in_time"],
    )


async def record_login_event(
    pool: asyncpg.Pool, outcome: str, character_id: int | None = None, network: str | None = None
) -> None:
    """Write down how a login ended. Only for a state that was ours: strangers must not fill the table."""
    await pool.execute(
        "INSERT INTO login_events (outcome, character_id, network) VALUES ($1, $2, $3)", outcome, character_id, network
    )


def digest(secret: str) -> bytes:
    """What is kept of a secret of 256 random bits; nothing slower is needed for so many."""
    return hashlib.sha256(secret.encode()).digest()
