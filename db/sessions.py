"""Who a browser is: sessions, and logins on their way through EVE SSO.

What the browser holds is 256 random bits; the database holds their SHA-256, so a copy of the database opens
no session. Times are UTC.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg

from db.boards import SEEN_BY_USER
from db.vault import TokenVault

SESSION_LIFETIME = timedelta(days=30)
"""From the last visit, give or take `SEEN_EVERY`."""
SEEN_EVERY = timedelta(hours=12)
"""A visit is written down at most this often: reading a page is not a write."""
LOGIN_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in account, and the characters and corporations whose killmails it may see."""

    account_id: int
    character_ids: tuple[int, ...]
    corporation_ids: tuple[int, ...] = ()


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


async def start_session(pool: asyncpg.Pool, account_id: int, *, replacing: str | None = None) -> str:
    """A new session for the account; returns the cookie's value. `replacing`, the browser's old one, ends."""
    token = new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "DELETE FROM sessions WHERE session_hash = $1 OR (account_id = $2 AND expires_at < now())",
            _digest(replacing or ""),
            account_id,
        )
        await connection.execute(
            "INSERT INTO sessions (session_hash, account_id, expires_at) VALUES ($1, $2, now() + $3)",
            _digest(token),
            account_id,
            SESSION_LIFETIME,
        )
    return token


async def caller_of(pool: asyncpg.Pool, token: str) -> Caller | None:
    """Whose session this is; None when it is unknown, ended or expired. Slides its expiry, rarely."""
    row = await pool.fetchrow(
        f"""
        SELECT account_id, last_seen_at < now() - $2::interval AS unseen,
               (SELECT coalesce(array_agg(character_id ORDER BY character_id), '{{}}')
                  FROM users WHERE users.account_id = sessions.account_id) AS character_ids,
               (SELECT coalesce(array_agg(DISTINCT board.corporation_id), '{{}}')
                  FROM users CROSS JOIN LATERAL ({SEEN_BY_USER}) AS board
                 WHERE users.account_id = sessions.account_id) AS corporation_ids
          FROM sessions WHERE session_hash = $1 AND expires_at > now()
        """,  # noqa: S608 - a constant of `db.boards`
        _digest(token),
        SEEN_EVERY,
    )
    if row is None:
        return None
    if row["unseen"]:
        await pool.execute(
            "UPDATE sessions SET last_seen_at = now(), expires_at = now() + $2 WHERE session_hash = $1",
            _digest(token),
            SESSION_LIFETIME,
        )
    return Caller(row["account_id"], tuple(row["character_ids"]), tuple(row["corporation_ids"]))


async def end_session(pool: asyncpg.Pool, token: str) -> None:
    """Log out: the cookie's value opens nothing any more."""
    await pool.execute("DELETE FROM sessions WHERE session_hash = $1", _digest(token))


async def start_login(pool: asyncpg.Pool, vault: TokenVault, browser: str, account_id: int | None) -> StartedLogin:
    """Remember a login that goes to EVE SSO, bound to the secret in this browser's cookie.

    Args:
        account_id: the account the character is to be added to; None: log in.
    """
    state, verifier = new_secret(), new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM login_attempts WHERE expires_at < now() - interval '1 hour'")
        await connection.execute(
            """
            INSERT INTO login_attempts (state_hash, browser_hash, code_verifier, account_id, expires_at)
            VALUES ($1, $2, $3, $4, now() + $5)
            """,
            _digest(state),
            _digest(browser),
            vault.encrypt(verifier),
            account_id,
            LOGIN_LIFETIME,
        )
    challenge = base64.urlsafe_b64encode(_digest(verifier)).rstrip(b"=").decode()
    return StartedLogin(state, challenge)


async def take_login(pool: asyncpg.Pool, vault: TokenVault, state: str, browser: str) -> LoginInProgress | None:
    """The login this state belongs to, once: a state that comes a second time, or was never ours, gives None."""
    row = await pool.fetchrow(
        """
        DELETE FROM login_attempts WHERE state_hash = $1
        RETURNING browser_hash, code_verifier, account_id, expires_at > now() AS in_time
        """,
        _digest(state),
    )
    if row is None:
        return None
    return LoginInProgress(
        code_verifier=vault.decrypt(row["code_verifier"]),
        account_id=row["account_id"],
        same_browser=secrets.compare_digest(row["browser_hash"], _digest(browser)),
        in_time=row["in_time"],
    )


async def record_login_event(pool: asyncpg.Pool, outcome: str, character_id: int | None = None) -> None:
    """Write down how a login ended. Only for a state that was ours: strangers must not fill the table."""
    await pool.execute("INSERT INTO login_events (outcome, character_id) VALUES ($1, $2)", outcome, character_id)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
