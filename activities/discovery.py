"""`discover_killmails`: what ESI lists for a character, and which of it is ours to fetch."""

from __future__ import annotations

import asyncpg
from temporalio import activity

from activities.errors import CharacterRemoved
from activities.heartbeat import heartbeating
from db.sync import ListSeen, Standing, note_idle_look, standing, take_on
from db.vault import TokenVault
from eve.budget import CallClass
from eve.errors import AccessTokenRejected
from eve.esi import Esi
from eve.killmail_list import KillmailWalk
from live import LiveEvents
from workflows.contracts import DiscoverKillmails, Discovery


class KillmailDiscovery:
    """Compares sets, never a highest id: a killmail that failed once is found again."""

    def __init__(self, pool: asyncpg.Pool, esi: Esi, vault: TokenVault, live: LiveEvents) -> None:
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
            EveError: the list cannot be read.
        """
        character_id = request.character_id
        before = await standing(self._pool, character_id)
        if before is None:
            raise CharacterRemoved
        walk = await self._walk(request, before)
        asked = walk is not None
        fresh_until = walk.fresh_until if walk is not None else before.fresh_until
        pages_missing_until = walk.incomplete.until if walk is not None and walk.incomplete is not None else None
        if pages_missing_until is not None:
            fresh_until = None  # the rest of the pages may be asked for as soon as the budget allows
        seen = _seen(walk, before)
        listed = sum(before.listed.values())
        if seen is None and not before.has_work and not request.full:
            await note_idle_look(
                self._pool, character_id, asked=asked, fresh_until=fresh_until, next_sync_at=request.next_sync_at
            )
            if not before.shows_ok:
                await self._live.sync_changed(character_id)
            return Discovery(
                listed=listed,
                unchanged=asked,
                fresh_until=fresh_until,
                asked=asked,
                pending_until=before.pending_until,
            )
        claimed = await take_on(
            self._pool,
            character_id,
            seen,
            kind="first" if request.first else "full" if request.full else "incremental",
            asked=asked,
            fresh_until=fresh_until,
            next_sync_at=request.next_sync_at,
        )
        await self._live.sync_changed(character_id)
        return Discovery(
            listed=claimed.listed,
            new=claimed.new,
            run_id=claimed.run_id,
            killmail_ids=claimed.killmail_ids,
            unchanged=walk is not None and walk.unchanged,
            fresh_until=fresh_until,
            asked=asked,
            pending_until=min(filter(None, (claimed.pending_until, pages_missing_until)), default=None),
            unnamed_killmail_ids=claimed.stored_before,
        )

    async def _walk(self, request: DiscoverKillmails, before: Standing) -> KillmailWalk | None:
        """None: the list we have is still the one ESI would send."""
        if before.is_fresh:
            return None
        if before.access_token is None or not before.token_is_usable:
            raise AccessTokenRejected("There is no access token that is still good.")
        async with heartbeating():
            return await self._esi.character_killmails(
                request.character_id,
                self._vault.decrypt(before.access_token),
                {} if request.full else before.etags,
                CallClass.FIRST_SYNC if request.first else CallClass.LIVE,
            )


def _seen(walk: KillmailWalk | None, before: Standing) -> ListSeen | None:
    if walk is None or walk.unchanged or not (walk.pages or before.etags):
        return None
    return ListSeen(
        references=[(reference.killmail_id, reference.killmail_hash) for reference in walk.refs],
        pages={
            number: (page.etag, page.listed if page.listed is not None else before.listed.get(number, 0))
            for number, page in walk.pages.items()
        },
    )
