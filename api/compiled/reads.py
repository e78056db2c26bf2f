"""The reads of killmails, whoever asks: JSON for clients of GraphQL, plain values for pages and exports."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from api.compiled.connection import CONNECTION, Connection
from api.compiled.entities import Entities, EntitiesOfKind, EntityKind, Named
from api.compiled.executor import Rendered
from api.compiled.killmails import BESIDE, KILLMAIL
from api.compiled.needs import Table
from api.compiled.page import NO_CURSORS, Page
from api.compiled.plans import ClientPlans, Plan
from api.compiled.selection import NotCompiled, SelectedField, Selection
from api.compiled.whole import WHOLE_CONNECTION, WHOLE_KILLMAIL
from db.battles.nodes import Mentioned
from db.killmails.feed import count
from db.killmails.filter import KillmailFilter, Order, Viewer
from db.killmails.of_characters import counts_apart, rows_apart
from db.killmails.rows import NONE, ByIdRead, FeedRead, KillmailRows, Read

log = logging.getLogger(__name__)

Node = dict[str, Any]
Answer = Rendered | Node
"""An object for graphql-core: JSON already, or to be completed field by field."""
DbConnection = asyncpg.pool.PoolConnectionProxy
_OURS: Table = {**KILLMAIL, **BESIDE}


@dataclass(frozen=True, slots=True)
class KillmailPage:
    """Killmails for us. `texts[i]` is the JSON of one, `cursors[i]` continues after it."""

    texts: Sequence[str]
    cursors: Sequence[str]
    has_more: bool

    def killmails(self) -> list[Node]:
        """The killmails as dicts with the schema's field names: ids are strings, times RFC 3339 in UTC."""
        return [orjson.loads(text) for text in self.texts]


@dataclass(frozen=True, slots=True)
class _Target:
    """A type of the schema that is read: the table of its fields, and the plan of all of them."""

    table: Table
    whole: Plan


_A_KILLMAIL = _Target(KILLMAIL, Plan.of(KILLMAIL, WHOLE_KILLMAIL))
_A_CONNECTION = _Target(CONNECTION, Plan.of(CONNECTION, WHOLE_CONNECTION))


class CompiledReads:
    """The plans and the entities of one process."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._entities = Entities()
        self._client_plans = ClientPlans()
        self._own_plans: dict[Selection, Plan] = {}

    async def page(self, selection: Selection, read: Read) -> KillmailPage:
        """What a constant selection of ours tells of these killmails; it may hold what is in `BESIDE`."""
        plan = self._own_plans.get(selection)
        if plan is None:
            plan = self._own_plans[selection] = Plan.of(_OURS, selection)
        page = await self._page(plan, read)
        return KillmailPage(plan.write(page), page["cursor"], page.has_more)

    async def feed(
        self,
        field: SelectedField,
        viewer: Viewer,
        first: int,
        after: str | None,
        chosen: KillmailFilter,
        order: Order,
    ) -> Answer:
        """The `KillmailConnection` of a list.

        Raises:
            InvalidCursor: `after` is not a cursor of this order.
        """
        read = FeedRead(viewer, first, after, chosen, order)

        async def write(plan: Plan) -> Sequence[str]:
            page = await self._page(plan, read)
            total = await count(self._pool, viewer, chosen, order) if plan.needs.total else None
            return plan.write(Connection(page, total))

        (connection,) = await self._answers(field, _A_CONNECTION, write)
        return connection

    async def feeds_apart(
        self, field: SelectedField, viewer: Viewer, character_ids: Collection[int], first: int
    ) -> dict[int, Answer]:
        """The `KillmailConnection` of each of these characters; of who is not the viewer's an empty one."""
        asked = sorted({*character_ids})
        own = [one for one in asked if one in viewer.character_ids]

        async def write(plan: Plan) -> Sequence[str]:
            async def read(connection: DbConnection) -> list[KillmailRows]:
                rows = await rows_apart(connection, viewer, own, first, plan.needs.wanted)
                return [rows.get(character_id, NONE) for character_id in asked]

            pages = await self._pages(plan, read)
            totals = await counts_apart(self._pool, own) if plan.needs.total else {}
            connections = map(Connection, pages, (totals.get(character_id, 0) for character_id in asked))
            return [text for connection in connections for text in plan.write(connection)]

        return dict(zip(asked, await self._answers(field, _A_CONNECTION, write), strict=True))

    async def killmail(self, field: SelectedField, viewer: Viewer, killmail_id: int) -> Answer | None:
        """A `Killmail`; None when there is none of this id that the viewer may see."""

        async def write(plan: Plan) -> Sequence[str]:
            return plan.write(await self._page(plan, ByIdRead(viewer, [killmail_id])))

        answers = await self._answers(field, _A_KILLMAIL, write)
        return answers[0] if answers else None

    async def arrived(
        self, field: SelectedField, viewer: Viewer, live_cursors: Mapping[int, str], chosen: KillmailFilter
    ) -> dict[int, Answer]:
        """The `Killmail`s of a stream, by id: those of `live_cursors` that the viewer may see and that are chosen."""
        ids: Sequence[int] = ()

        async def write(plan: Plan) -> Sequence[str]:
            nonlocal ids
            page = await self._page(plan, ByIdRead(viewer, live_cursors.keys(), chosen, "ACCOUNT"), live_cursors)
            ids = page["killmail_id"]
            return plan.write(page)

        answers = await self._answers(field, _A_KILLMAIL, write)
        return dict(zip(ids, answers, strict=True))

    async def names(self, mentioned: Mentioned) -> Named:
        """Of what battles mention."""
        ids = {
            EntityKind.CHARACTER: mentioned.characters,
            EntityKind.ORGANIZATION: mentioned.organizations,
            EntityKind.TYPE: mentioned.types,
            EntityKind.SYSTEM: mentioned.systems,
        }
        return Named(await self._entities.of(self._pool, ids))

    def is_alike_for_all(self, field: SelectedField) -> bool:
        """Whether a `Killmail` of a stream reads alike for everybody who may see it: it tells nothing of other losses,
        which not everybody may see."""
        try:
            return not self._client_plans.of(_A_KILLMAIL.table, field).needs.wanted.related
        except NotCompiled:
            return False

    async def _answers(
        self, field: SelectedField, target: _Target, write: Callable[[Plan], Awaitable[Sequence[str]]]
    ) -> list[Answer]:
        """The objects of a field, written by its plan; read whole for graphql-core when there is none that can."""
        try:
            return [Rendered(text) for text in await write(self._client_plans.of(target.table, field))]
        except NotCompiled as reason:
            log.warning("graphql-core completes %s.%s: %s", field.parent_type.name, field.field_name, reason)
        return [orjson.loads(text) for text in await write(target.whole)]

    async def _page(self, plan: Plan, read: Read, live_cursors: Mapping[int, str] = NO_CURSORS) -> Page:
        async def rows(connection: DbConnection) -> list[KillmailRows]:
            return [await read.read(connection, plan.needs.wanted)]

        (page,) = await self._pages(plan, rows, live_cursors)
        return page

    async def _pages(
        self,
        plan: Plan,
        read: Callable[[DbConnection], Awaitable[list[KillmailRows]]],
        live_cursors: Mapping[int, str] = NO_CURSORS,
    ) -> list[Page]:
        """The pages, and the entities that are wanted of all of them."""
        entities: dict[EntityKind, EntitiesOfKind] = {}
        async with self._pool.acquire() as connection:
            pages = [Page(rows, entities, live_cursors) for rows in await read(connection)]
            entities.update(await self._entities.of(connection, plan.mentioned(pages)))
        return pages
