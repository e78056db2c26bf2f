"""A connection of killmails: one page, with what of it the client selected."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from api.arguments import page_size
from api.compiled.executor import Rendered
from api.compiled.selection import NotCompiled
from api.errors import Code, Refused
from api.graphql.execution import Info
from api.graphql.lookahead import selects
from db.killmails.feed import COUNTED, FeedPage, InvalidCursor, KillmailFilter, Order, count, feed

Row = dict[str, Any]


async def killmail_connection(
    info: Info, first: int | None, after: str | None, chosen: KillmailFilter, order: Order = "TIME"
) -> Row | Rendered:
    """The `KillmailConnection` of the field being resolved; empty for anonymous callers.

    Raises:
        Refused: the page's size or its cursor make no sense.
    """
    context = info.context
    size = page_size(first)
    if context.caller is None:
        return connection_row(FeedPage([], [], has_next_page=False), 0)
    pool, who = context.services.pool, context.caller.viewer
    try:
        with suppress(NotCompiled):
            return await context.services.compiled.feed(info, who, size, after, chosen, order)
        page = await feed(
            pool,
            who,
            size,
            after,
            chosen,
            order=order,
            with_attackers=selects_of_node(info, "attackers") or selects_of_node(info, "attackerGroups"),
            with_items=selects_of_node(info, "items") or selects_of_node(info, "eft"),
            with_position=selects_of_node(info, "victim", "position"),
            with_related=selects_of_node(info, "relatedKillmail"),
        )
    except InvalidCursor:
        raise Refused(Code.BAD_USER_INPUT, "`after` is not a valid cursor for this list and order.") from None
    return connection_row(page, await count(pool, who, chosen) if counted(info) else None)


def connection_row(page: FeedPage, total: int | None) -> Row:
    """A `KillmailConnection` of the schema. `total`: as `feed.count` says; None when it is not asked for."""
    row: Row = {
        "nodes": page.nodes,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(page.cursors, page.nodes, strict=True)],
        "pageInfo": {"hasNextPage": page.has_next_page, "endCursor": page.cursors[-1] if page.cursors else None},
    }
    if total is not None:
        row |= {"totalCount": min(total, COUNTED), "totalCountIsExact": total <= COUNTED}
    return row


def counted(info: Info) -> bool:
    """Whether the count of all is asked for."""
    return selects(info, "totalCount") or selects(info, "totalCountIsExact")


def selects_of_node(info: Info, *path: str) -> bool:
    """Whether the connection's killmails are asked for the field at `path`."""
    return selects(info, "nodes", *path) or selects(info, "edges", "node", *path)
