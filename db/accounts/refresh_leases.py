"""Who may refresh a grant: one process at a time, by a row that runs out by itself.

No connection is held while EVE SSO is asked, and a worker that lost its power locks nobody out. The row also
remembers what nobody can see otherwise: that SSO was asked and no answer came, so that the refresh token we hold
may have been replaced already.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

LEASE = timedelta(seconds=150)
"""Longer than an answer of SSO is waited for (`eve.sso.client.REFRESH_SECONDS`)."""
SETTLES = timedelta(seconds=150)
"""How long a refused refresh token is not believed dead when an answer is missing: whoever waits for that answer, or
has it and cannot reach the database, has so much time to bring it."""

_TAKE = """
UPDATE refresh_leases AS lease
   SET holder = $2, held_until = now() + $3::interval, unanswered_at = coalesce(before.unanswered_at, now())
  FROM (SELECT * FROM refresh_leases WHERE character_id = $1 FOR UPDATE) AS before
 WHERE lease.character_id = before.character_id AND before.held_until <= now()
RETURNING before.unanswered_at, before.refused_at, now()
"""
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


async def take_refresh_lease(pool: asyncpg.Pool, character_id: int) -> RefreshLease | None:
    """The lease; None while somebody else has it.

    Until it is given back the row says that an answer is missing: a process that dies in between leaves the truth.
    """
    holder = secrets.token_hex(8)
    row = await pool.fetchrow(_TAKE, character_id, holder, LEASE)
    row = row or await pool.fetchrow(_TAKE_FIRST, character_id, holder, LEASE)
    if row is None:
        return None
    return RefreshLease(character_id, holder, row["now"], row["unanswered_at"], row["refused_at"])


async def give_back(pool: asyncpg.Pool, lease: RefreshLease) -> None:
    """Let others refresh; they are told what `lease` says of missing answers."""
    await pool.execute(_GIVE_BACK, lease.character_id, lease.holder, lease.unanswered_at, lease.refused_at)
