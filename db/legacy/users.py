"""The old system's users become ours: each with an account of their own, and their grant under our keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg

from contracts.sync import SyncState
from db.accounts.tokens import TokenState
from db.accounts.vault import TokenVault

NO_ID = "a character id"

# A login of one of them at this very moment waits for us, or we for it (`db/accounts/grants.py`).
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('grant'), hashint8(id)) FROM unnest($1::bigint[]) AS one (id)"
# `expires_at` and `scopes` stay empty, so that the first look refreshes the token and learns what it may do.
_TAKE = """
WITH coming AS MATERIALIZED (
    SELECT *, nextval(pg_get_serial_sequence('accounts', 'account_id')) AS account_id
      FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::timestamptz[], $7::text[],
                  $8::text[])
        AS c (character_id, name, owner_hash, corporation_id, refresh_token, created_at, token_state, sync_state)
     WHERE NOT EXISTS (SELECT FROM users WHERE users.character_id = c.character_id)
), made AS (
    INSERT INTO accounts (account_id, created_at) OVERRIDING SYSTEM VALUE SELECT account_id, created_at FROM coming
)
INSERT INTO users (character_id, account_id, name, owner_hash, corporation_id, scopes, refresh_token, token_state,
                   created_at, sync_state)
SELECT character_id, account_id, name, owner_hash, corporation_id, '{}', refresh_token, token_state, created_at,
       sync_state
  FROM coming ORDER BY character_id
RETURNING sync_state
"""


@dataclass(slots=True)
class UsersTaken:
    """What became of them. `needs_login`: of those that came, the ones whose grant could not be used as it was."""

    came: int = 0
    needs_login: int = 0
    already_here: int = 0
    left_here: int = 0
    """They were users here before and have left: not taken again."""
    unusable: Counter[str] = field(default_factory=Counter)


async def take_users(
    pool: asyncpg.Pool, vault: TokenVault, rows: Sequence[asyncpg.Record], left: Collection[int], taken: UsersTaken
) -> None:
    """Take those that are not here. Who is stays as they are: what we know is newer.

    Args:
        left: characters that left this installation.
        taken: is added to.
    """
    usable = {row["character_id"]: row for row in rows if (row["character_id"] or 0) > 0}
    taken.unusable.update([NO_ID] * (len(rows) - len(usable)))
    here = await pool.fetch("SELECT character_id FROM users WHERE character_id = ANY ($1)", list(usable))
    known = {row["character_id"] for row in here}
    gone = set(usable) & set(left) - known
    coming = [_user(vault, usable[character_id]) for character_id in sorted(set(usable) - known - gone)]
    taken.already_here += len(known)
    taken.left_here += len(gone)
    if coming:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK, [user[0] for user in coming])
            rows_here = await connection.fetch(_TAKE, *(list(column) for column in zip(*coming, strict=True)))
        taken.came += len(rows_here)
        taken.already_here += len(coming) - len(rows_here)
        taken.needs_login += sum(row["sync_state"] == SyncState.NEEDS_LOGIN for row in rows_here)


def _user(vault: TokenVault, row: asyncpg.Record) -> tuple[object, ...]:
    """The columns of `_TAKE`.

    Without an owner hash nobody could tell whether the character has been sold since: such a grant is not used.
    """
    refresh_token = (row.get("refresh_token") or "").strip()
    owner_hash = row.get("character_owner_hash") or ""
    usable = bool(refresh_token and owner_hash)
    created_at = row.get("created_at") or datetime.now(UTC)
    return (
        row["character_id"],
        row.get("character_name") or f"Character {row['character_id']}",
        owner_hash,
        row.get("corporation_id") or None,
        vault.encrypt(refresh_token) if usable else None,
        created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC),
        str(TokenState.VALID if usable else TokenState.REVOKED),
        str(SyncState.STARTING if usable else SyncState.NEEDS_LOGIN),
    )
