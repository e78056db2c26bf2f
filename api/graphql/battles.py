"""Resolvers of battles, found among what the caller can see."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType, QueryType

from api.arguments import eve_id, period
from api.errors import Code, Refused
from api.graphql.connections import NOBODY
from api.graphql.execution import Info
from db.battles.nodes import battle_nodes
from db.battles.read import BattleFilter, battle_of, battles_page
from db.killmails.cursors import InvalidCursor, decode_cursor

Row = dict[str, Any]
MOST_BATTLES = 50
MOST_LISTED = 1_000

query = QueryType()
battle = ObjectType("Battle")
side = ObjectType("BattleSide")


@query.field("battle")
async def resolve_battle(_: None, info: Info, id: str) -> Row | None:  # noqa: A002 - the schema's name
    context = info.context
    killmail_id = eve_id(id)
    if (viewer := await context.viewer()) is None:
        return None
    found = await battle_of(context.services.pool, viewer, killmail_id)
    return None if found is None else (await battle_nodes(context.services.compiled.names, [found]))[0]


@query.field("battles")
async def resolve_battles(
    _: None,
    info: Info,
    first: int | None = 10,
    after: str | None = None,
    filter: Row | None = None,  # noqa: A002 - the schema's name
) -> Row:
    context, chosen = info.context, filter or {}
    asker = await context.viewer() or NOBODY
    period(chosen.get("since"), chosen.get("until"))
    place = chosen.get("solarSystemId")
    wanted = BattleFilter(None if place is None else eve_id(place), chosen.get("since"), chosen.get("until"))
    try:
        before = None if after is None else decode_cursor(after)
    except InvalidCursor:
        raise Refused(Code.BAD_USER_INPUT, "`after` is not a valid cursor for this list and order.") from None
    page = await battles_page(context.services.pool, asker, _length("first", first, MOST_BATTLES), before, wanted)
    nodes = await battle_nodes(context.services.compiled.names, page.battles) if page.battles else []
    return {
        "nodes": nodes,
        "edges": [{"cursor": one.cursor, "node": node} for one, node in zip(page.battles, nodes, strict=True)],
        "pageInfo": {"hasNextPage": page.has_more, "endCursor": page.end_cursor},
    }


@battle.field("losses")
def resolve_losses(parent: Row, _: Info, first: int | None = 50, skip: int | None = 0) -> list[Row]:
    return _part(parent["losses"], first, skip)


@side.field("pilots")
def resolve_pilots(parent: Row, _: Info, first: int | None = 50, skip: int | None = 0) -> list[Row]:
    return _part(parent["pilots"], first, skip)


def _part(whole: list[Row], first: int | None, skip: int | None) -> list[Row]:
    if skip is None or skip < 0:
        raise Refused(Code.BAD_USER_INPUT, "`skip` must be 0 or more.")
    return whole[skip : skip + _length("first", first, MOST_LISTED)]


def _length(name: str, asked: int | None, most: int) -> int:
    if asked is None or not 1 <= asked <= most:
        raise Refused(Code.BAD_USER_INPUT, f"`{name}` must be between 1 and {most}.")
    return asked


BINDABLES = (query, battle, side)
