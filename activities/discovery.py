"""`discover_killmails`: what ESI lists for a character, and which of it is ours to fetch."""

from __future__ import annotations

import asyncpg
from temporalio import activity

from activities.access_tokens import AccessTokens
from activities.errors import CharacterRemoved
from activities.looks import Look, conclude, etags_to_send
from contracts.call_classes import CallClass
from contracts.sync import DiscoverKillmails, Discovery
from db.accounts.vault import TokenVault
from db.syncs.looks import Standing, standing
from db.syncs.subjects import a_character
from eve.errors import AccessTokenRejected, DoubtfulRefusal, Forbidden
from eve.esi.client import Esi
from eve.esi.killmail_list import KillmailWalk
from live import LiveEvents


class KillmailDiscovery:
    """Compares sets, never a highest id: a killmail that failed once is found again."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        esi: Esi,
        tokens: AccessTokens,
        vault: TokenVault,
        live: LiveEvents,
        *,
        idle_pilots: bool = False,
    ) -> None:
        self._tokens = tokens
        self._idle_pilots = idle_pilots
        self._pool = pool
        self._esi = esi
        self._vault = vault
        self._live = live

    @activity.defn
    async def discover_killmails(self, request: DiscoverKillmails) -> Discovery:
        """Ask for the list unless ESI's cache still holds what we have, remember what is new, claim what is due.

        An unchanged list with nothing due costs one 304 and one written row. A walk that fails writes nothing.

        Raises:
            AccessTokenRejected: there is no usable access token, or ESI does not take it.
            CharacterRemoved: there is no such user.
            TokenRevoked, OwnerChanged: ESI refused, and SSO, asked about it, says that the permission is gone.
            DoubtfulRefusal: ESI refused, and SSO says nothing of the kind.
            EveError: the list cannot be read.
        """
        subject = a_character(request.character_id)
        before = await standing(self._pool, subject, request.character_id)
        if before is None:
            raise CharacterRemoved
        look = Look(subject, request.character_id, before, request.full, request.first, request.next_sync_at)
        discovery = await conclude(self._pool, self._live, look, await self._walk(request, before))
        discovery.idle_pilots = self._idle_pilots
        return discovery

    async def _walk(self, request: DiscoverKillmails, before: Standing) -> KillmailWalk | None:
        """None: the list we have is still the one ESI would send."""
        if before.is_fresh:
            return None
        if before.access_token is None or not before.token_is_usable:
            raise AccessTokenRejected("There is no access token that is still good.")
        try:
            return await self._esi.character_killmails(
                request.character_id,
                self._vault.decrypt(before.access_token),
                etags_to_send(before, full=request.full, goes_on_at=request.goes_on_at),
                CallClass.FIRST_SYNC if request.first else CallClass.LIVE,
                request.goes_on_at,
            )
        except Forbidden as error:
            # ESI refuses everybody while SSO is away, too: only SSO can say that the permission is gone.
            await self._tokens.confirm(request.character_id)
            raise DoubtfulRefusal(f"{error} EVE SSO says that the permission stands.") from None
