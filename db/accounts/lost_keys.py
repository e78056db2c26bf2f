"""What no key opens any more is let go: a lost key does not come back, and its pilots must know that they are asked.

Nothing else is touched. Whoever renews a grant or logs in meanwhile wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from contracts.sync import SyncState
from db.accounts.key_rotation import ALL, Ciphertexts
from db.accounts.tokens import TokenState
from db.accounts.vault import TokenVault, VaultError

# Whose refresh token it is must log in; without the rest everything goes on by itself.
_FORGET = {
    ("users", "refresh_token"): f"""
        UPDATE users SET access_token = NULL, refresh_token = NULL, expires_at = NULL,
                         token_state = '{TokenState.UNREADABLE}', token_version = token_version + 1,
                         sync_state = '{SyncState.NEEDS_LOGIN}', sync_detail = '{{}}'
         WHERE character_id = $1 AND refresh_token = $2
    """,  # noqa: S608 - constants
    ("users", "access_token"): (
        "UPDATE users SET access_token = NULL, expires_at = NULL WHERE character_id = $1 AND access_token = $2"
    ),
    ("departures", "refresh_token"): (
        "UPDATE departures SET refresh_token = NULL WHERE departure_id = $1 AND refresh_token = $2"
    ),
    **{
        ("webhooks", column): (
            "UPDATE webhooks SET target = NULL, secret = NULL, paused_reason = 'unreadable', paused_at = now()"  # noqa: S608
            f" WHERE webhook_id = $1 AND {column} = $2"
        )
        for column in ("target", "secret")
    },
    ("login_attempts", "code_verifier"): "DELETE FROM login_attempts WHERE state_hash = $1 AND code_verifier = $2",
}


@dataclass(slots=True)
class Forgotten:
    """`pilots` have to log in again; `others`: access tokens, logins under way, webhooks, grants to be given back."""

    pilots: int = 0
    others: int = 0


async def forget_unreadable(pool: asyncpg.Pool, vault: TokenVault) -> Forgotten:
    """Let go of every ciphertext that none of the vault's keys opens. Safe to stop and repeat."""
    done = Forgotten()
    for held in ALL:
        async for page in held.pages(pool):
            for key, ciphertext in page:
                if not _is_readable(vault, ciphertext) and await _forget(pool, held, key, ciphertext):
                    is_pilot = (held.table, held.column) == ("users", "refresh_token")
                    done.pilots += is_pilot
                    done.others += not is_pilot
    return done


def _is_readable(vault: TokenVault, ciphertext: bytes) -> bool:
    try:
        vault.decrypt(ciphertext)
    except VaultError:
        return False
    return True


async def _forget(pool: asyncpg.Pool, held: Ciphertexts, key: object, ciphertext: bytes) -> bool:
    tag = await pool.execute(_FORGET[held.table, held.column], key, ciphertext)
    return not tag.endswith(" 0")
