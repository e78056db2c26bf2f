"""`name_entities`, `describe_solar_systems`: what a batch of killmails mentions gets its names. `name_missed_killmails`
makes up for what could not have them when it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import asyncpg
from temporalio import activity

from contracts.call_classes import CallClass
from contracts.sync import NamedEntities, NameEntities
from contracts.universe import Described
from db.intake.naming_place import ahead_of_naming, move_naming_place
from db.intake.receive import tell_again
from db.universe.details import want_details
from db.universe.names import store_names, store_solar_systems, unknown_entity_ids, unknown_solar_system_ids
from eve.errors import BadRequest, EveError, MalformedBody, NotFound, Unavailable
from eve.esi.client import Esi, SolarSystem
from live import LiveEvents

SYSTEMS_AT_ONCE = 10
BATCH, BATCHES_AT_MOST = 500, 20
"""Killmails looked at together by `name_missed_killmails`, and how often by one of its calls."""


class Enrichment:
    """Asks only for what nobody asked before: names and systems are shared by all users."""

    def __init__(
        self, pool: asyncpg.Pool, esi: Esi, live: LiveEvents, wake: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """`wake`: told that there are details to ask for."""
        self._pool = pool
        self._esi = esi
        self._live = live
        self._wake = wake

    @activity.defn
    async def name_entities(self, request: NameEntities) -> NamedEntities:
        """Names for pilots, corporations, alliances, types, systems… by bulk lookup.

        Raises:
            EveError: ESI cannot be asked now, or did not answer for all; what it told is kept.
        """
        ids = await unknown_entity_ids(self._pool, request.killmail_ids)
        if not ids:
            await self._want_details(request.killmail_ids)
            return NamedEntities()
        names = await self._esi.names(ids, CallClass(request.call_class))
        await store_names(self._pool, [(n.id, n.category, n.name) for n in names.found], names.unknown)
        if names.found:
            await tell_again(self._pool, self._live, request.killmail_ids)
        await self._want_details(request.killmail_ids)
        if names.unresolved:
            raise Unavailable(f"ESI did not answer for {len(names.unresolved)} of {len(ids)} ids.")
        return NamedEntities(unknown=len(names.unknown), named=len(names.found))

    @activity.defn
    async def describe_solar_systems(self, request: NameEntities) -> NamedEntities:
        """Security status and constellation of the systems where the killmails happened.

        Raises:
            EveError: ESI could not tell of some of them; what it told is kept.
        """
        ids = await unknown_solar_system_ids(self._pool, request.killmail_ids)
        waiting = list(reversed(ids))
        told: list[SolarSystem] = []
        failure: EveError | None = None

        async def describe() -> None:
            nonlocal failure
            while waiting and failure is None:
                try:
                    told.append(await self._esi.solar_system(waiting.pop(), CallClass(request.call_class)))
                except (NotFound, BadRequest, MalformedBody) as error:  # it stands in no other's way
                    activity.logger.warning("A solar system that a killmail names cannot be told: %s", error)
                except EveError as error:
                    failure = error

        await asyncio.gather(*(describe() for _ in range(min(SYSTEMS_AT_ONCE, len(ids)))))
        rows = sorted((s.solar_system_id, s.security_status, s.constellation_id) for s in told)
        await store_solar_systems(self._pool, rows)
        if rows:
            await self._want_details(request.killmail_ids)
        if failure is not None:
            raise failure
        return NamedEntities(unknown=len(ids) - len(told), named=len(told))

    @activity.defn
    async def name_missed_killmails(self) -> Described:
        """Go on through the order of arrival and name what has no name yet; mostly all have theirs.

        Raises:
            EveError: as the others do; the killmails of that batch are looked at again.
        """
        described = Described(more=True)
        for _ in range(BATCHES_AT_MOST):
            ahead = await ahead_of_naming(self._pool, BATCH)
            if ahead is None:
                return replace(described, more=False)
            request = NameEntities(list(ahead.killmail_ids), CallClass.BACKFILL)
            for named in (await self.name_entities(request), await self.describe_solar_systems(request)):
                described.told += named.named
                described.unknown += named.unknown
            await move_naming_place(self._pool, ahead.arrival)
        return described

    async def _want_details(self, killmail_ids: list[int]) -> None:
        """After the names, so that nothing waits for it; done by a workflow of its own."""
        if await want_details(self._pool, killmail_ids) and self._wake is not None:
            await self._wake()
