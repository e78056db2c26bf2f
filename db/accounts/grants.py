"""Accounts: which person holds which characters, and the grants EVE gave for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from contracts.sync import SyncState
from db.accounts.departures import forget_person
from db.accounts.vault import TokenVault
from db.corporations.directors import granted_again

if TYPE_CHECKING:
    from eve.sso.client import Grant

# A new grant ends only these: a paused sync stays paused, a running one goes on.
ENDED_BY_A_GRANT = (SyncState.NEEDS_LOGIN, SyncState.OWNER_CHANGED, SyncState.REMOVED)


class UnusableGrant(Exception):
    """The grant has no refresh token: nothing could be synced after twenty minutes."""


@dataclass(frozen=True, slots=True)
class GrantedAccount:
    """Where the character is now. `owner_changed`: it was known under another owner, whose grant is void."""

    account_id: int
    character_id: int
    owner_changed: bool


async def grant_character(
    pool: asyncpg.Pool,
    vault: TokenVault,
    grant: Grant,
    account_id: int | None,
    corporation_id: int | None,
    alliance_id: int | None = None,
) -> GrantedAccount:
    """Store a grant; the character joins `account_id`, or stays where it is, or gets a new account.

    Whoever brings a grant has proved to EVE that the character is theirs: it leaves any other account. A
    character that comes with another owner hash than before was sold or moved, so it leaves the old owner's
    account even when nobody is signed in. An account left without characters goes, and its sessions with it.

    Args:
        account_id: the signed-in account; None when nobody is signed in.
        corporation_id: as ESI says now; None keeps what was known.
        alliance_id: the corporation's.

    Raises:
        UnusableGrant: there is no refresh token in it.
    """
    if grant.refresh_token is None:
        raise UnusableGrant
    character = grant.character
    async with pool.acquire() as connection, connection.transaction():
        # Two logins of one new character at once: the row is not there yet to be locked.
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('grant'), hashint8($1))", character.character_id
        )
        known = await connection.fetchrow(
            "SELECT account_id, owner_hash FROM users WHERE character_id = $1 FOR UPDATE", character.character_id
        )
        owner_changed = known is not None and known["owner_hash"] != character.owner_hash
        home = await connection.fetchval("SELECT account_id FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
        if home is None and known is not None and not owner_changed:
            home = known["account_id"]
        if home is None:
            home = await connection.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
        await connection.execute(
            """
            INSERT INTO users (character_id, account_id, name, owner_hash, corporation_id, scopes,
                               access_token, refresh_token, expires_at, token_state, alliance_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'valid', $11)
            ON CONFLICT (character_id) DO UPDATE SET
                account_id = excluded.account_id, name = excluded.name, owner_hash = excluded.owner_hash,
                corporation_id = coalesce(excluded.corporation_id, users.corporation_id),
                alliance_id = CASE WHEN excluded.corporation_id IS NULL THEN users.alliance_id
                                   ELSE excluded.alliance_id END,
                -- What the old owner opened is not the new one's choice.
                visibility = CASE WHEN users.owner_hash = excluded.owner_hash THEN users.visibility
                                  ELSE 'private' END,
                -- Nothing was kept of what everybody is told while it belonged to nobody here: as if it came now.
                created_at = CASE WHEN users.token_state = 'owner_changed' THEN now() ELSE users.created_at END,
                scopes = excluded.scopes,
                access_token = excluded.access_token, refresh_token = excluded.refresh_token,
                expires_at = excluded.expires_at, token_state = 'valid', token_version = users.token_version + 1,
                last_login_at = now(),
                sync_state = CASE WHEN users.sync_state = ANY ($10) THEN 'starting' ELSE users.sync_state END,
                sync_detail = CASE WHEN users.sync_state = ANY ($10) THEN '{}' ELSE users.sync_detail END
            """,
            character.character_id,
            home,
            character.name,
            character.owner_hash,
            corporation_id,
            sorted(character.scopes),
            vault.encrypt(grant.access_token),
            vault.encrypt(grant.refresh_token),
            grant.expires_at,
            [str(state) for state in ENDED_BY_A_GRANT],
            alliance_id,
        )
        # What is known of attempts to refresh is about the grant that this one replaces.
        await connection.execute("DELETE FROM refresh_leases WHERE character_id = $1", character.character_id)
        await granted_again(connection, character.character_id, owner_changed=owner_changed)
        if known is not None and known["account_id"] != home:
            if owner_changed:
                await forget_person(connection, [character.character_id])
            await connection.execute(
                "DELETE FROM accounts WHERE account_id = $1"
                " AND NOT EXISTS (SELECT FROM users WHERE users.account_id = accounts.account_id)",
                known["account_id"],
            )
    return GrantedAccount(home, character.character_id, owner_changed)
