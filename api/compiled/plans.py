"""Plans by the nodes they were made for, and the reads that the resolvers call."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from graphql import GraphQLResolveInfo

from api.compiled.columns import Writer
from api.compiled.connection import CONNECTION, Connection
from api.compiled.executor import Rendered
from api.compiled.facts import Facts, FactsOfKind, Kind
from api.compiled.killmails import KILLMAIL, Needs, Table, compiled
from api.compiled.page import Page
from api.compiled.selection import NotCompiled, condition_variables, selection_of
from db.killmails.feed import KillmailFilter, Order, Viewer, count
from db.killmails.nodes import item_type_ids
from db.killmails.rows import FeedRead, KillmailRead

REMEMBERED = 512
"""Fields of documents whose plans are kept."""
MOST_VARIANTS = 16
"""Plans of one field, by the variables of its conditions."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read, and the writer of what was read."""

    needs: Needs
    write: Writer

    def mentioned(self, page: Page) -> dict[Kind, set[Any]]:
        """The ids on these killmails that facts are wanted of."""
        mentioned: dict[Kind, set[Any]] = {}
        for batch, wanted in (
            (page, self.needs.facts_of_killmails),
            (page.participants, self.needs.facts_of_participants),
        ):
            for kind, column in wanted:
                mentioned.setdefault(kind, set()).update(batch[column])
        types = mentioned.setdefault(Kind.TYPE, set())
        types.update(item_type_ids(item for items in page.columns.get("items", ()) for item in items))
        types.update(page.related()[0]["ship_type_id"])
        for ids in mentioned.values():
            ids.discard(None)
        return mentioned


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A field of a document: its nodes (kept alive, so that their identities stay theirs) and its plans."""

    nodes: tuple[object, ...]
    conditions: tuple[str, ...]
    plans: dict[tuple[Any, ...], Plan | None] = field(default_factory=dict)


class CompiledReads:
    """The plans and the facts of one process."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._facts = Facts()
        self._remembered: OrderedDict[tuple[int, ...], _Remembered] = OrderedDict()

    async def feed(
        self,
        info: GraphQLResolveInfo[Any],
        viewer: Viewer,
        first: int,
        after: str | None,
        chosen: KillmailFilter,
        order: Order,
    ) -> Rendered:
        """The `KillmailConnection` of `db.killmails.feed.feed`.

        Raises:
            NotCompiled: its selection cannot be written here.
            InvalidCursor: `after` is not a cursor of this order.
        """
        plan = self._plan(info, CONNECTION)
        page = await self._read(plan, FeedRead(viewer, first, after, chosen, order))
        total = await count(self._pool, viewer, chosen) if plan.needs.total else None
        return Rendered(*plan.write(Connection(page, total)))

    async def killmail(self, info: GraphQLResolveInfo[Any], viewer: Viewer, killmail_id: int) -> Rendered | None:
        """The `Killmail` of `db.killmails.feed.killmail`.

        Raises:
            NotCompiled: its selection cannot be written here.
        """
        plan = self._plan(info, KILLMAIL)
        page = await self._read(plan, KillmailRead(viewer, killmail_id))
        return Rendered(*plan.write(page)) if page.size else None

    async def _read(self, plan: Plan, read: FeedRead | KillmailRead) -> Page:
        facts: dict[Kind, FactsOfKind] = {}
        async with self._pool.acquire() as connection:
            page = Page(await read.read(connection, plan.needs.wanted), facts)
            facts.update(await self._facts.of(connection, plan.mentioned(page)))
        return page

    def _plan(self, info: GraphQLResolveInfo[Any], table: Table) -> Plan:
        nodes = tuple(info.field_nodes)
        key = tuple(map(id, nodes))
        remembered = self._remembered.get(key)
        if remembered is None:
            remembered = self._remembered[key] = _Remembered(nodes, condition_variables(info))
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end(key)
        variant = tuple(info.variable_values.coerced.get(name) for name in remembered.conditions)
        if variant not in remembered.plans:
            if len(remembered.plans) >= MOST_VARIANTS:
                remembered.plans.clear()
            remembered.plans[variant] = _made(info, table)
        plan = remembered.plans[variant]
        if plan is None:
            raise NotCompiled(info.field_name)
        return plan


def _made(info: GraphQLResolveInfo[Any], table: Table) -> Plan | None:
    needs = Needs()
    try:
        return Plan(needs, compiled(table, selection_of(info), needs))
    except NotCompiled:
        return None
