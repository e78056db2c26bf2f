"""`describe_*`: what is wanted of people, types and places beyond their names; one kind each, so many at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from temporalio import activity

from contracts.call_classes import CallClass
from contracts.universe import Described
from db.universe import details
from db.universe.details import Kind, store_details, wanted_ids
from db.universe.names import store_names, unnamed
from eve.errors import BadRequest, Downtime, EveError, NotFound, RateLimited, RedisUnreachable, Unavailable
from eve.esi import universe
from eve.esi.client import Esi
from settings import Settings

BLAMELESS_ATTEMPTS = 2
"""So often a call of which ESI gives nothing is tried again at once; after that its ids count as unknown for now."""
FAILURES_WITHOUT_SUCCESS, MOST_FAILURES = 3, 10
"""After so many one call asks no further, while nothing was told yet and otherwise."""
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


@dataclass(slots=True)
class _LookedUp:
    told: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    names: list[tuple[int, str, str]] = field(default_factory=list)  # which the bulk route may deny
    nameless: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    failed: dict[int, EveError] = field(default_factory=dict)
    stop: EveError | None = None  # the budget is spent or unknown, or EVE is down: for all of them

    @property
    def is_hopeless(self) -> bool:
        """Errors are dear: all routes share a hundred a minute."""
        return len(self.failed) >= (MOST_FAILURES if self.told else FAILURES_WITHOUT_SUCCESS)


@dataclass(frozen=True, slots=True)
class DetailsAtOnce:
    """Lookups of each kind that may be under way together."""

    characters: int = 10
    corporations: int = 5
    alliances: int = 3
    types: int = 10

    @classmethod
    def from_settings(cls, settings: Settings) -> DetailsAtOnce:
        return cls(
            settings.characters_at_once,
            settings.corporations_at_once,
            settings.alliances_at_once,
            settings.types_at_once,
        )


class Details:
    """Every method may raise `EveError`: ESI cannot be asked now; what it told until then is kept."""

    def __init__(self, pool: asyncpg.Pool, esi: Esi, at_once: DetailsAtOnce) -> None:
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
        for kind in kinds:
            ids = await wanted_ids(self._pool, kind, PER_CALL)
            if not ids:
                continue
            found = await self._look_up(kind, ids, at_once)
            if kind is details.CORPORATION:
                await self._name_ceos(found)
            unknown = found.unknown if found.stop is not None else found.unknown | found.failed.keys()
            await store_details(self._pool, kind, found.told, unknown)
            await store_names(self._pool, found.names, found.nameless)
            if found.stop is not None:
                raise found.stop
            described.told += len(found.told)
            described.unknown += len(unknown)
            described.more |= len(ids) == PER_CALL or found.is_hopeless
        return described

    async def _name_ceos(self, found: _LookedUp) -> None:
        """By bulk lookup: killmails need not mention them. A corporation whose CEO cannot be named now stays wanted."""
        ids = await unnamed(self._pool, {ceo for _, ceo, _ in found.told.values() if ceo is not None})
        if not ids:
            return
        try:
            names = await self._esi.names(ids, CallClass.REFRESH)
        except EveError as error:
            found.stop = found.stop or error
            unresolved = set(ids)
        else:
            found.names += [(one.id, one.category, one.name) for one in names.found]
            found.nameless |= set(names.unknown)
            unresolved = set(names.unresolved)
        found.told = {id_: columns for id_, columns in found.told.items() if columns[1] not in unresolved}

    async def _look_up(self, kind: Kind, ids: list[int], at_once: int) -> _LookedUp:
        """One id that ESI cannot tell stands in nobody's way: it counts as unknown, and is asked for again later."""
        waiting = ids[::-1]
        found = _LookedUp()

        async def look_up() -> None:
            while waiting and found.stop is None and not found.is_hopeless:
                entity_id = waiting.pop()
                try:
                    told = await self._esi.look_up(LOOKUPS[kind], entity_id, CallClass.REFRESH)
                    found.told[entity_id] = told.columns
                    if told.name is not None and LOOKUPS[kind].category is not None:
                        found.names.append((entity_id, str(LOOKUPS[kind].category), told.name))
                except (NotFound, BadRequest):
                    found.unknown.add(entity_id)
                except (RateLimited, Downtime, RedisUnreachable) as error:
                    found.stop = error
                except EveError as error:
                    activity.logger.warning("The %s %d cannot be told: %s", kind.name, entity_id, error)
                    found.failed[entity_id] = error

        await asyncio.gather(*(look_up() for _ in range(min(at_once, len(ids)))))
        if found.stop is None and not found.told and activity.info().attempt <= BLAMELESS_ATTEMPTS:
            # Nothing came at all: ESI may be at fault for a moment, and not these ids.
            found.stop = next((error for error in found.failed.values() if isinstance(error, Unavailable)), None)
        return found
