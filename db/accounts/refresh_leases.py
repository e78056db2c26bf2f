"""Who may refresh a grant: one process at a time, by a row that runs out by itself.

No connection is held while EVE SSO is asked, and a worker that lost its power locks nobody out. The row also
remembers what nobody can see otherwise: that SSO was asked and no answer came, so that the refresh token we hold
may have been replaced already.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

from db.accounts.tokens import GRANT, StoredToken, load_token, stored_token

LEASE = timedelta(seconds=150)
"""Longer than an answer of SSO is waited for (`eve.sso.client.REFRESH_SECONDS`)."""
SETTLES = timedelta(seconds=150)
"""How long a refused refresh token is not believed dead when an answer is missing: whoever waits for that answer, or
has it and cannot reach the database, has so much time to bring it."""

# Who has the lease sees what its last holder saved: that was committed before the lease was given back, so before the
# moment `held_until`, which is not after this statement's own.
_TAKE = f"""
WITH before AS MATERIALIZED (SELECT * FROM refresh_leases WHERE character_id = $1 FOR UPDATE), taken AS (
    UPDATE refresh_leases AS lease
       SET holder = $2, held_until = now() + $3::interval, unanswered_at = coalesce(before.unanswered_at, now())
      FROM before
     WHERE lease.character_id = before.character_id AND before.held_until <= now()
 RETURNING before.character_id AS taken_for, before.unanswered_at, before.refused_at)
SELECT {GRANT}, taken.unanswered_at, taken.refused_at, now(), taken.taken_for IS NOT NULL AS is_taken,
       EXISTS (SELECT FROM before) AS is_known
  FROM users LEFT JOIN taken ON true
 WHERE users.character_id = $1
"""  # noqa: S608 - a constant of `db.accounts.tokens`
_TAKE_FIRST = """
INSERT INTO refresh_leases (character_id, holder, held_until, unanswered_at)
VALUES ($1, $2, now() + $3::interval, now())
ON CONFLICT (character_id) DO NOTHING
RETURNING NULL::timestamptz AS unanswered_at, refused_at, now()
"""
_GIVE_BACK = """
UPDATE refresh_leases SET held_until = now(), unanswered_at = $3, refused_at = $4
 WHERE character_id = $1 AND holder = $2
"""
# The user's row first: whoever leaves takes both, in this order.
_SAVE_VERIFIED = """
WITH saved AS (
    UPDATE users SET expires_at = $5, scopes = $6
     WHERE character_id = $1 AND token_version = $7 AND token_state = 'valid' RETURNING true),
given_back AS (
    UPDATE refresh_leases SET held_until = now(), unanswered_at = $3, refused_at = $4
     WHERE character_id = $1 AND holder = $2 AND (SELECT count(*) FROM saved) >= 0)
SELECT EXISTS (SELECT FROM saved)
"""


@dataclass(frozen=True, slots=True)
class RefreshLease:
    """The right to refresh a character's grant, and what became of earlier attempts with the same refresh token.

    `unanswered_at`: since when an answer is missing; `refused_at`: when SSO first refused after that. `taken_at` is
    Postgres's clock, like these.
    """

    character_id: int
    holder: str
    taken_at: datetime
    unanswered_at: datetime | None
    refused_at: datetime | None

    @property
    def answer_is_missing(self) -> bool:
        """Whether an earlier attempt may have renewed the refresh token without our knowing."""
        return self.unanswered_at is not None

    @property
    def is_settled(self) -> bool:
        """Whether a missing answer has had its time to come."""
        return self.refused_at is not None and self.taken_at - self.refused_at >= SETTLES

    def answered(self) -> RefreshLease:
        """Nothing is missing: SSO's answer is stored."""
        return replace(self, unanswered_at=None, refused_at=None)

    def unanswered(self) -> RefreshLease:
        """SSO was asked, and no answer came."""
        return replace(self, unanswered_at=self.unanswered_at or self.taken_at, refused_at=None)

    def refused(self) -> RefreshLease:
        """SSO refused while an answer is missing."""
        return replace(self, refused_at=self.refused_at or self.taken_at)


async def take_refresh_lease(pool: asyncpg.Pool, character_id: int) -> tuple[RefreshLease | None, StoredToken | None]:
    """The lease, None while somebody else has it; and the grant, None if the character is not known (any more).

    Until it is given back the row says that an answer is missing: a process that dies in between leaves the truth.
    """
    holder = secrets.token_hex(8)
    row = await pool.fetchrow(_TAKE, character_id, holder, LEASE)
    if row is None:
        return None, None
    token: StoredToken | None = stored_token(row)
    if not row["is_known"]:
        row = await pool.fetchrow(_TAKE_FIRST, character_id, holder, LEASE)
        token = await load_token(pool, character_id)
    elif not row["is_taken"]:
        row = None
    if row is None:
        return None, token
    return RefreshLease(character_id, holder, row["now"], row["unanswered_at"], row["refused_at"]), token


async def save_verified(
    pool: asyncpg.Pool, lease: RefreshLease, version: int, *, expires_at: datetime, scopes: Collection[str]
) -> bool:
    """The stored access token is EVE's and good until then; False if the grant changed meanwhile.

    Gives the lease back in the same step.
    """
    saved: bool = await pool.fetchval(_SAVE_VERIFIED, *_told(lease), expires_at, sorted(scopes), version)
    return saved


async def give_back(pool: asyncpg.Pool, lease: RefreshLease) -> None:
    """Let others refresh; they are told what `lease` says of missing answers."""
    await pool.execute(_GIVE_BACK, *_told(lease))


def _told(lease: RefreshLease) -> tuple[int, str, datetime | None, datetime | None]:
    return lease.character_id, lease.holder, lease.unanswered_at, lease.refused_at
