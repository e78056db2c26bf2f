"""Resolver of `Query.search`."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType

from api.errors import Code, Refused
from api.graphql.execution import Info
from db.killmails.shown import search_for
from db.universe.search import KINDS, Kind

query = ObjectType("Query")
Row = dict[str, Any]
LONGEST_NAME = 100
MOST_HITS = 50


@query.field("search")
async def resolve_search(
    _: None, info: Info, name: str, kinds: list[Kind] | None = None, first: int | None = 10
) -> list[Row]:
    context = info.context
    if first is None or not 1 <= first <= MOST_HITS:
        raise Refused(Code.BAD_USER_INPUT, f"`first` must be between 1 and {MOST_HITS}.")
    if not name.strip() or len(name) > LONGEST_NAME:
        raise Refused(Code.BAD_USER_INPUT, f"`name` must have between 1 and {LONGEST_NAME} characters.")
    if (viewer := await context.viewer()) is None:
        return []
    hits = await search_for(context.services.pool, viewer, name, KINDS if kinds is None else kinds, first)
    return [{"kind": hit.kind, "id": str(hit.id), "name": hit.name, "ticker": hit.ticker} for hit in hits]


BINDABLES = (query,)
