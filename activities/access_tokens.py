"""`ensure_access_token`: EVE lets us in, with the access token we hold or a new one.

A refresh is a task of its own, whatever becomes of the activity that wanted it: SSO may have replaced the refresh
token the moment it was asked, so its answer is waited for, and saved before anything is concluded from it. No
connection of Postgres is held meanwhile. `docs/answers.md` has every answer and what is concluded from it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg
from prometheus_client import Counter
from temporalio import activity

from activities.errors import CharacterRemoved
from contracts.sync import AccessTokenReady, EnsureAccessToken, SyncState
from db.accounts.departures import return_renewed
from db.accounts.refresh_leases import RefreshLease, give_back, save_verified, take_refresh_lease
from db.accounts.tokens import StoredToken, TokenState, load_token, save_issued, withdraw
from db.accounts.vault import TokenVault
from db.failures import DATABASE_FAILURES
from eve.errors import (
    ClientRejected,
    EveError,
    GrantLost,
    NotAsked,
    OwnerChanged,
    RateLimited,
    RedisUnreachable,
    SsoLimited,
    SsoRefused,
    TokenRevoked,
    Unavailable,
    UntrustedAccessToken,
)
from eve.sso.access_token import VerifiedCharacter
from eve.sso.client import Sso
from eve.sso.scopes import KILLMAIL_SCOPE
from live import LiveEvents

logger = logging.getLogger(__name__)

MARGIN = timedelta(seconds=60)
"""An access token that ends sooner is refreshed."""
CONFIRMS = timedelta(minutes=15)
"""An access token that is good for longer was got so lately that asking SSO again would tell nothing new."""
PATIENCE_SECONDS = 15.0
"""How long an activity waits for a refresh before it gives its slot back; the refresh goes on."""
NEWER_GRANTS = 3
"""How often a newer login may overtake one refresh before it is left to the next attempt."""
SAVE_FOR_SECONDS = 24 * 3600.0
"""How long what SSO gave is kept in memory for a database that cannot take it."""
SAVE_AGAIN_SECONDS = (0.2, 5.0)
STOP_SECONDS = 30.0
SYNC_STATE_OF = {
    TokenState.REVOKED: SyncState.NEEDS_LOGIN,
    TokenState.LOST: SyncState.NEEDS_LOGIN,
    TokenState.OWNER_CHANGED: SyncState.OWNER_CHANGED,
}
UNCHANGED = (ClientRejected, SsoRefused, RateLimited, NotAsked)
"""Failures of a refresh after which the refresh token is what it was."""

REFRESHES = Counter(
    "killreport_sso_refreshes", "Refreshes of grants, by what came of them: renewed, or the failure.", ["outcome"]
)
UNANSWERED = Counter("killreport_sso_refreshes_unanswered", "Refreshes that EVE SSO may have done unanswered.")
GRANTS_LOST = Counter("killreport_grants_lost", "Grants that EVE SSO renewed without our hearing of it.")
_SEEN = (
    *UNCHANGED,
    RedisUnreachable,
    SsoLimited,
    Unavailable,
    TokenRevoked,
    GrantLost,
    OwnerChanged,
    UntrustedAccessToken,
)
for _outcome in ("renewed", *(one.__name__ for one in _SEEN)):
    REFRESHES.labels(_outcome)  # so that the first one is seen as a rise from 0

Result = TypeVar("Result")


class AccessTokens:
    """Refreshes the grants of our users; a refresh token is used by one process at a time.

    Args:
        patience_seconds: how long a call waits for a refresh that goes on by itself.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        sso: Sso,
        vault: TokenVault,
        live: LiveEvents,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._pool = pool
        self._sso = sso
        self._vault = vault
        self._live = live
        self._patience = patience_seconds
        self._under_way: dict[int, asyncio.Task[AccessTokenReady]] = {}
        self._late: set[int] = set()

    @activity.defn
    async def ensure_access_token(self, request: EnsureAccessToken) -> AccessTokenReady:
        """Until when the character's access token is good; refreshed if it must be.

        Raises:
            TokenRevoked: only a login helps: SSO withdrew the grant, it lacks the killmail scope, or it was lost.
            OwnerChanged: the character belongs to somebody else now; its tokens are destroyed.
            CharacterRemoved: there is no such user.
            EveError: there is no good access token now; the grant stays.
        """
        # Whoever asks has seen the token near its end, so the lease is taken by the statement that reads it.
        seen = None
        if request.refresh_even_if_valid:
            seen = _checked(await load_token(self._pool, request.character_id)).version
        return await self._refreshed(request.character_id, seen)

    async def confirm(self, character_id: int) -> None:
        """Ask SSO whether the grant still stands, unless it said so lately; ESI's refusals do not tell.

        Raises:
            As `ensure_access_token`.
        """
        token = _checked(await load_token(self._pool, character_id))
        if not (_is_good(token) and _ready(token).valid_until > datetime.now(UTC) + CONFIRMS):
            await self._refreshed(character_id, token.version)

    async def finish(self) -> None:
        """Wait for the refreshes under way, a while: what they bring would be lost with the process."""
        if self._under_way:
            logger.info("Waiting for EVE SSO's answer to %d refreshes.", len(self._under_way))
            await asyncio.wait(set(self._under_way.values()), timeout=STOP_SECONDS)

    async def _refreshed(self, character_id: int, seen: int | None) -> AccessTokenReady:
        task = self._under_way.get(character_id)
        if task is None:
            task = asyncio.create_task(self._refresh(character_id, seen), name=f"refresh {character_id}")
            self._under_way[character_id] = task
            task.add_done_callback(lambda task: self._done(character_id, task))
        # Not awaited itself: a cancelled activity must not cancel what others wait for, and SSO has begun.
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if not done:
            self._late.add(character_id)
            raise Unavailable("EVE SSO has not answered yet; its answer is waited for.")
        return task.result()

    def _done(self, character_id: int, task: asyncio.Task[AccessTokenReady]) -> None:
        del self._under_way[character_id]
        error = None if task.cancelled() else task.exception()
        if character_id in self._late and error is not None:
            # Nobody waits for it any more who could say so.
            logger.warning("A refresh of %d failed late: %s", character_id, _told(error))
        self._late.discard(character_id)

    async def _refresh(self, character_id: int, seen: int | None) -> AccessTokenReady:
        """`seen`: the version of the grant that is not good enough; None: any good one will do."""
        lease, token = await self._lease(character_id)
        try:
            return await self._renew(lease, token, seen)
        except Exception as error:
            REFRESHES.labels(type(error).__name__).inc()
            raise

    async def _renew(self, lease: RefreshLease, token: StoredToken, seen: int | None) -> AccessTokenReady:
        """With the lease, which is given back whatever comes of it."""
        is_given_back = False
        try:
            for attempt in range(NEWER_GRANTS):
                if attempt:
                    token = _checked(await load_token(self._pool, token.character_id))
                if token.version != seen and _is_good(token):
                    return _ready(token)  # somebody else refreshed it, or the pilot logged in
                if (ready := await self._verified_at_last(token, lease)) is not None:
                    is_given_back = True
                    return ready
                assert token.refresh_token is not None  # noqa: S101 - `_checked` saw it
                try:
                    issued = await self._sso.refresh(self._vault.decrypt(token.refresh_token))
                except TokenRevoked:
                    if lease.answer_is_missing and not lease.is_settled:
                        lease = lease.refused()
                        raise Unavailable(
                            "EVE SSO takes neither the old refresh token nor has it sent a new one; it may yet come."
                        ) from None
                    if await self._withdraw(token, TokenState.LOST if lease.answer_is_missing else TokenState.REVOKED):
                        raise _revoked(lost=lease.answer_is_missing) from None
                    continue  # a newer grant came while we asked: that one counts
                except UNCHANGED:
                    raise
                except EveError as error:
                    lease = lease.unanswered()
                    UNANSWERED.inc()
                    logger.warning("A refresh of %d has no answer: %s", token.character_id, error)
                    raise
                access, refresh = (
                    None if secret is None else self._vault.encrypt(secret)
                    for secret in (issued.access_token, issued.refresh_token)
                )
                version = await _again_and_again(
                    lambda token=token, access=access, refresh=refresh: save_issued(  # type: ignore[misc]
                        self._pool, token.character_id, token.version, access_token=access, refresh_token=refresh
                    )
                )
                lease = lease.answered()
                if version is None and refresh is not None:
                    await return_renewed(self._pool, token.character_id, refresh)
                if version is not None:
                    if issued.access_token is None:
                        raise UntrustedAccessToken("EVE SSO's answer holds no access token.")
                    character = await self._sso.verified(issued.access_token)
                    until = issued.until or character.expires_at
                    ready = await self._conclude(token, lease, version, character, until)
                    is_given_back = True
                    return ready
            raise Unavailable("The grant changes faster than it can be refreshed.")
        finally:
            if not is_given_back:
                await self._give_back(lease)

    async def _lease(self, character_id: int) -> tuple[RefreshLease, StoredToken]:
        """The right to refresh the grant, and the grant as it is then."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            lease, found = await take_refresh_lease(self._pool, character_id)
            if lease is not None:
                break
            _checked(found)
            if loop.time() > deadline:
                raise Unavailable("Another worker waits for EVE SSO's answer about this character.")
            await asyncio.sleep(0.25)
        try:
            return lease, _checked(found)
        except Exception:
            await self._give_back(lease)
            raise

    async def _give_back(self, lease: RefreshLease) -> None:
        try:
            await give_back(self._pool, lease)
        except DATABASE_FAILURES as error:
            logger.warning("The lease on a grant runs out by itself (%s).", type(error).__name__)

    async def _verified_at_last(self, token: StoredToken, lease: RefreshLease) -> AccessTokenReady | None:
        """An access token that could not be verified when it came may be by now; None if not."""
        if token.access_token is None or token.expires_at is not None:
            return None
        try:
            character = await self._sso.verified(self._vault.decrypt(token.access_token))
        except UntrustedAccessToken:
            return None
        if character.expires_at <= datetime.now(UTC) + MARGIN:
            return None
        return await self._conclude(token, lease, token.version, character, character.expires_at)

    async def _conclude(
        self,
        token: StoredToken,
        lease: RefreshLease,
        version: int,
        character: VerifiedCharacter,
        expires_at: datetime,
    ) -> AccessTokenReady:
        """What a fresh, verified access token says of the grant; if it is good, the lease is given back."""
        if character.character_id != token.character_id or character.owner_hash != token.owner_hash:
            if await self._withdraw(token, TokenState.OWNER_CHANGED, version):
                raise OwnerChanged("The character was transferred to another EVE account.")
        elif KILLMAIL_SCOPE not in character.scopes:
            if await self._withdraw(token, TokenState.REVOKED, version):
                raise TokenRevoked("The permission to read killmails is gone.")
        elif await save_verified(self._pool, lease, version, expires_at=expires_at, scopes=character.scopes):
            REFRESHES.labels("renewed").inc()
            return AccessTokenReady(expires_at, token.corporation_id)
        raise Unavailable("A newer login came meanwhile.")

    async def _withdraw(self, token: StoredToken, state: TokenState, version: int | None = None) -> bool:
        pilot, shown = token.character_id, SYNC_STATE_OF[state]
        account_id = await withdraw(self._pool, pilot, version or token.version, state, shown)
        if account_id is not None:
            if state is TokenState.LOST:
                GRANTS_LOST.inc()
            await self._live.access_changed(account_id)  # it sees less from here on
            await self._live.sync_changed(pilot)
        return account_id is not None


async def _again_and_again(save: Callable[[], Awaitable[Result]]) -> Result:
    """`save`'s result, tried on a fresh connection each time: what it saves cannot be had again.

    Raises:
        OSError, asyncpg.PostgresError: the database was away for `SAVE_FOR_SECONDS`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SAVE_FOR_SECONDS
    delay, longest = SAVE_AGAIN_SECONDS
    while True:
        try:
            return await save()
        except DATABASE_FAILURES as error:
            if loop.time() > deadline:
                raise
            logger.warning("A renewed grant cannot be saved yet (%s); trying again.", type(error).__name__)
            await asyncio.sleep(delay)
            delay = min(delay * 2, longest)


def _checked(token: StoredToken | None) -> StoredToken:
    if token is None:
        raise CharacterRemoved
    if token.state == TokenState.OWNER_CHANGED:
        raise OwnerChanged("The character was transferred to another EVE account.")
    if token.state != TokenState.VALID or token.refresh_token is None:
        raise _revoked(lost=token.state == TokenState.LOST)
    return token


def _revoked(*, lost: bool) -> TokenRevoked:
    if lost:
        return GrantLost("EVE SSO renewed the permission, and its answer never came.")
    return TokenRevoked("EVE withdrew the permission.")


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


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, EveError) else type(error).__name__
