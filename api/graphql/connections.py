"""A connection of killmails: one page, with what of it the client selected."""

from __future__ import annotations

from api.arguments import page_size
from api.compiled.reads import Answer
from api.errors import Code, Refused
from api.graphql.execution import Info
from db.killmails.cursors import InvalidCursor
from db.killmails.filter import KillmailFilter, Order, Viewer

NOBODY = Viewer(())


async def killmail_connection(
    info: Info, first: int | None, after: str | None, chosen: KillmailFilter, order: Order | None = None
) -> Answer:
    """The `KillmailConnection` of the field being resolved; for anonymous callers what is public.

    `order`: None, which a client may write as null, is by time.

    Raises:
        Refused: the page's size or its cursor make no sense.
    """
    context = info.context
    asker = await context.viewer() or NOBODY
    try:
        return await context.services.compiled.feed(info, asker, page_size(first), after, chosen, order or "TIME")
    except InvalidCursor:
        raise Refused(Code.BAD_USER_INPUT, "`after` is not a valid cursor for this list and order.") from None
