"""`ensure_access_token`: EVE lets us in, with the access token we hold or a new one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
from temporalio import activity

from activities.errors import CharacterRemoved
from contracts.sync import AccessTokenReady, EnsureAccessToken, SyncState
from db.accounts.tokens import StoredToken, TokenState, load_token, refresh_lock, save_refreshed, withdraw
from db.accounts.vault import TokenVault
from eve.errors import OwnerChanged, TokenRevoked, Unavailable
from eve.sso.client import Sso
from eve.sso.scopes import KILLMAIL_SCOPE
from live import LiveEvents

MARGIN = timedelta(seconds=60)
"""An access token that ends sooner is refreshed."""
NEWER_GRANTS = 3
"""How often a newer login may overtake one refresh before it is left to the next attempt."""
SYNC_STATE_OF = {TokenState.REVOKED: SyncState.NEEDS_LOGIN, TokenState.OWNER_CHANGED: SyncState.OWNER_CHANGED}


class AccessTokens:
    """Refreshes the grants of our users; a refresh token is used by one process at a time."""

    def __init__(self, pool: asyncpg.Pool, sso: Sso, vault: TokenVault, live: LiveEvents) -> None:
        self._pool = pool
        self._sso = sso
        self._vault = vault
        self._live = live

    @activity.defn
    async def ensure_access_token(self, request: EnsureAccessToken) -> AccessTokenReady:
        """Until when the character's access token is good; refreshed if it must be.

        Raises:
            TokenRevoked: only a login helps: EVE withdrew the grant, or it lacks the killmail scope.
            OwnerChanged: the character belongs to somebody else now; its tokens are destroyed.
            CharacterRemoved: there is no such user.
            RateLimited, Downtime, Unavailable, ClientRejected: SSO cannot be asked; the grant stays.
        """
        token = await self._usable(request.character_id)
        if not request.refresh_even_if_valid and _is_good(token):
            return _ready(token)
        # Once SSO has answered, the new refresh token must be saved even if this activity is cancelled.
        return await asyncio.shield(self._refresh(token))

    async def _refresh(self, seen: StoredToken) -> AccessTokenReady:
        async with refresh_lock(self._pool, seen.character_id) as connection:
            for _ in range(NEWER_GRANTS):
                token = _checked(await load_token(connection, seen.character_id))
                if token.version != seen.version and _is_good(token):
                    return _ready(token)  # somebody else refreshed it, or the pilot logged in
                assert token.refresh_token is not None  # noqa: S101 - `_checked` saw it
                try:
                    grant = await self._sso.refresh(self._vault.decrypt(token.refresh_token))
                    who = grant.character
                    if who.character_id != token.character_id or who.owner_hash != token.owner_hash:
                        raise OwnerChanged("The character was transferred to another EVE account.")
                    if KILLMAIL_SCOPE not in who.scopes:
                        raise TokenRevoked("The permission to read killmails is gone.")
                except (TokenRevoked, OwnerChanged) as error:
                    changed = isinstance(error, OwnerChanged)
                    state = TokenState.OWNER_CHANGED if changed else TokenState.REVOKED
                    if await withdraw(connection, token.character_id, token.version, state, SYNC_STATE_OF[state]):
                        await self._live.sync_changed(token.character_id)
                        raise
                    continue  # a newer grant came while we asked: that one counts
                saved = await save_refreshed(
                    connection,
                    token.character_id,
                    token.version,
                    access_token=self._vault.encrypt(grant.access_token),
                    refresh_token=(
                        token.refresh_token if grant.refresh_token is None else self._vault.encrypt(grant.refresh_token)
                    ),
                    expires_at=grant.expires_at,
                    scopes=who.scopes,
                )
                if saved:
                    return AccessTokenReady(grant.expires_at, token.corporation_id)
            raise Unavailable("The grant changes faster than it can be refreshed.")

    async def _usable(self, character_id: int) -> StoredToken:
        return _checked(await load_token(self._pool, character_id))


def _checked(token: StoredToken | None) -> StoredToken:
    if token is None:
        raise CharacterRemoved
    if token.state == TokenState.OWNER_CHANGED:
        raise OwnerChanged("The character was transferred to another EVE account.")
    if token.state != TokenState.VALID or token.refresh_token is None:
        raise TokenRevoked("EVE withdrew the permission.")
    return token


def _is_good(token: StoredToken) -> bool:
    return (
        token.access_token is not None
        and token.expires_at is not None
        and token.expires_at > datetime.now(UTC) + MARGIN
        and KILLMAIL_SCOPE in token.scopes
    )


def _ready(token: StoredToken) -> AccessTokenReady:
    assert token.expires_at is not None  # noqa: S101 - `_is_good` saw it
    return AccessTokenReady(token.expires_at, token.corporation_id)
