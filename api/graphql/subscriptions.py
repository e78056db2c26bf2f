"""`killmailAdded`: the caller's new killmails as they are stored."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator
from typing import Any

from ariadne import SubscriptionType

from api.graphql.arguments import killmail_filter, viewer
from api.graphql.errors import Code, Refused
from api.graphql.execution import Context, Info
from api.live_feed import Reader
from db.killmails import KillmailFilter, Viewer, killmails_by_id
from db.sessions import Caller
from live import LiveEvent

subscription = SubscriptionType()
Row = dict[str, Any]
REMEMBERED_IDS = 2_000
"""Events come at least once; a killmail older than this many others is not told apart from a new one."""


class SessionEnded(Exception):
    """The caller logged out, or the session expired, while the subscription ran."""


async def subscribe_killmail_added(
    _: None,
    info: Info,
    filter: Row | None = None,  # noqa: A002 - the schema's name
) -> AsyncGenerator[Row, None]:
    context = info.context
    if context.caller is None:
        raise Refused(Code.UNAUTHENTICATED, "Log in to follow your killmails.")
    chosen = killmail_filter(filter)
    # Made now, not at the first read: no event may fall between.
    return _added(context, context.caller, chosen, context.services.live_feed.reader())


# Ariadne's type knows only generators; graphql-core awaits, and so can refuse before the stream begins.
subscription.set_source("killmailAdded", subscribe_killmail_added)  # type: ignore[arg-type]


@subscription.field("killmailAdded")
def resolve_killmail_added(row: Row, _: Info, **__: Any) -> Row:
    return row


async def _added(context: Context, caller: Caller, chosen: KillmailFilter, reader: Reader) -> AsyncGenerator[Row, None]:
    seen, ours = _Seen(), frozenset(caller.character_ids)
    async for event in reader.events():
        # Most events concern others: those must not cost a query.
        if event.kind != "killmails" or ours.isdisjoint(event.character_ids) or not (new := seen.unseen(event)):
            continue
        now = await _viewer_now(context, caller, chosen)
        for row in await killmails_by_id(context.services.pool, now, new, chosen, otherwise="ACCOUNT"):
            seen.add(int(row["id"]))
            yield row


async def _viewer_now(context: Context, begun: Caller, chosen: KillmailFilter) -> Viewer:
    """What the caller may see by now.

    Raises:
        SessionEnded: also when the chosen character left the account, or the chosen board is closed to it.
    """
    caller = await context.caller_now()
    if caller is None:
        raise SessionEnded
    lost_board = chosen.corporation_id in {*begun.corporation_ids} - {*caller.corporation_ids}
    lost_character = chosen.character_id in {*begun.character_ids} - {*caller.character_ids}
    if lost_board or lost_character:
        raise SessionEnded
    return viewer(caller)


class _Seen:
    """The killmails this subscription has sent, the latest of them."""

    def __init__(self) -> None:
        self._ids: OrderedDict[int, None] = OrderedDict()

    def unseen(self, event: LiveEvent) -> list[int]:
        return [killmail_id for killmail_id in event.killmail_ids if killmail_id not in self._ids]

    def add(self, killmail_id: int) -> None:
        self._ids[killmail_id] = None
        if len(self._ids) > REMEMBERED_IDS:
            self._ids.popitem(last=False)
