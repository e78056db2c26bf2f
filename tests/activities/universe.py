"""The activities that ask for names and details, with the sandbox's EVE."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import redis.asyncio
from temporalio.testing import ActivityEnvironment

from activities.aged_names import AgedNames
from activities.details import Details, DetailsAtOnce
from activities.enrichment import Enrichment
from contracts.sync import NameEntities
from contracts.universe import Described
from db.intake.store import store_killmails
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from live import LiveEvents
from sandbox.eve.server import SandboxEve
from settings import Settings
from tests.db.bodies import raw


@dataclass
class Universe:
    """The real activities and clients with the sandbox's EVE."""

    pool: asyncpg.Pool
    eve: SandboxEve
    enrichment: Enrichment
    details: Details
    names: AgedNames
    woken: list[bool]
    seen: int = 0

    async def stored(self, count: int = 5) -> NameEntities:
        """Store some killmails of the first pilot, as an enrichment's request."""
        references = self.eve.references(self.eve.pilots[0].character_id)[:count]
        bodies = [self.eve.killmail(reference.killmail_id) for reference in references]
        return NameEntities(await store_killmails(self.pool, [raw(one) for one in bodies]))

    async def describe(self) -> Described:
        """Everything that is wanted."""
        total = Described()
        for activity in (
            self.details.describe_characters,
            self.details.describe_corporations,
            self.details.describe_alliances,
            self.details.describe_types,
            self.details.describe_places,
        ):
            one = Described(more=True)
            while one.more:
                one = await ActivityEnvironment().run(activity)
                total.told, total.unknown = total.told + one.told, total.unknown + one.unknown
        return total

    async def enrich(self, request: NameEntities) -> Described:
        """As a cycle does, and then `Enrichment`."""
        await ActivityEnvironment().run(self.enrichment.name_entities, request)
        await ActivityEnvironment().run(self.enrichment.describe_solar_systems, request)
        return await self.describe()

    def asked(self) -> Counter[str]:
        """Requests by route, since the last call."""
        requests = self.eve.requests
        counted = Counter(request.route for request in requests[self.seen :])
        self.seen = len(requests)
        return counted


@contextlib.asynccontextmanager
async def opened_universe(settings: Settings, eve: SandboxEve, pool: asyncpg.Pool) -> AsyncIterator[Universe]:
    """It, for a test."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        events = redis.asyncio.from_url(settings.redis_url)
        stack.push_async_callback(events.aclose)
        esi = Esi(session, Budget(events), settings.esi_base_url, settings.eve_client_id)
        woken: list[bool] = []

        async def wake() -> None:
            woken.append(True)

        yield Universe(
            pool,
            eve,
            Enrichment(pool, esi, LiveEvents(events), wake),
            Details(pool, esi, DetailsAtOnce()),
            AgedNames(pool, esi, wake),
            woken,
        )


async def column(pool: asyncpg.Pool, query: str) -> list[object]:
    return [row[0] for row in await pool.fetch(query)]


async def run(activity: Callable[..., Any], *request: Any, attempt: int = 1) -> Any:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    return await environment.run(activity, *request)
