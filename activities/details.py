"""`describe_*`: what is wanted of people, types and places beyond their names; one kind each, so many at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import asyncpg
from temporalio import activity

from activities.heartbeat import heartbeating
from contracts.call_classes import CallClass
from contracts.universe import Described
from db.universe import details
from db.universe.details import Kind, store_details, wanted_ids
from eve.errors import BadRequest, EveError, MalformedBody, NotFound
from eve.esi import universe
from eve.esi.client import Esi

PER_CALL = 200
"""Ids one activity asks for."""
LOOKUPS = {
    details.CHARACTER: universe.CHARACTER,
    details.CORPORATION: universe.CORPORATION,
    details.ALLIANCE: universe.ALLIANCE,
    details.TYPE: universe.TYPE,
    details.GROUP: universe.GROUP,
    details.CATEGORY: universe.CATEGORY,
    details.CONSTELLATION: universe.CONSTELLATION,
    details.REGION: universe.REGION,
}


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Lookups of each kind that may be under way together."""

    characters: int = 10
    corporations: int = 5
    alliances: int = 3
    types: int = 10


class Details:
    """Every method may raise `EveError`: ESI cannot be asked now; what it told until then is kept."""

    def __init__(self, pool: asyncpg.Pool, esi: Esi, at_once: AtOnce) -> None:
        self._pool = pool
        self._esi = esi
        self._at_once = at_once

    @activity.defn
    async def describe_characters(self) -> Described:
        return await self._describe([details.CHARACTER], self._at_once.characters)

    @activity.defn
    async def describe_corporations(self) -> Described:
        return await self._describe([details.CORPORATION], self._at_once.corporations)

    @activity.defn
    async def describe_alliances(self) -> Described:
        return await self._describe([details.ALLIANCE], self._at_once.alliances)

    @activity.defn
    async def describe_types(self) -> Described:
        """Types, then the groups these are of, then the categories of those."""
        return await self._describe([details.TYPE, details.GROUP, details.CATEGORY], self._at_once.types)

    @activity.defn
    async def describe_places(self) -> Described:
        """Constellations, then their regions."""
        return await self._describe([details.CONSTELLATION, details.REGION], self._at_once.types)

    async def _describe(self, kinds: list[Kind], at_once: int) -> Described:
        described = Described()
        async with heartbeating():
            for kind in kinds:
                ids = await wanted_ids(self._pool, kind, PER_CALL)
                if not ids:
                    continue
                told, unknown, failure = await self._look_up(kind, ids, at_once)
                await store_details(self._pool, kind, told, unknown)
                if failure is not None:
                    raise failure
                described.told += len(told)
                described.unknown += len(unknown)
                described.more |= len(ids) == PER_CALL
        return described

    async def _look_up(
        self, kind: Kind, ids: list[int], at_once: int
    ) -> tuple[dict[int, tuple[Any, ...]], set[int], EveError | None]:
        waiting = ids[::-1]
        told: dict[int, tuple[Any, ...]] = {}
        unknown: set[int] = set()
        failure: EveError | None = None

        async def look_up() -> None:
            nonlocal failure
            while waiting and failure is None:
                entity_id = waiting.pop()
                try:
                    told[entity_id] = await self._esi.look_up(LOOKUPS[kind], entity_id, CallClass.REFRESH)
                except (NotFound, BadRequest):
                    unknown.add(entity_id)
                except MalformedBody as error:
                    # One odd answer must not stand in the way of all others: asked again in an hour.
                    activity.logger.warning("The %s %d cannot be read: %s", kind.name, entity_id, error)
                    unknown.add(entity_id)
                except EveError as error:
                    failure = error

        await asyncio.gather(*(look_up() for _ in range(min(at_once, len(ids)))))
        return told, unknown, failure
