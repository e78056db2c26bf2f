"""Subscriptions: who may follow what, and how an event becomes the bytes that all who may see the same are sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from api.arguments import eve_id, killmail_filter
from api.compiled.reads import Answer
from api.errors import Code, Refused
from api.graphql.execution import Context, Executor, Followed, Planned
from api.graphql.queries import run_row, status_row
from api.live.feed import LiveFeed
from api.live.killmail_stream import KillmailWish
from api.live.members import Follower, Member
from api.live.sync_stream import SyncWish
from db.accounts.sessions import STRANGER, Caller
from db.killmails.cursors import InvalidCursor, cursor_position
from db.killmails.filter import EVERYTHING, Viewer
from db.syncs.status import AccountCharacter

Row = dict[str, Any]
Send = Callable[[bytes], Awaitable[None]]
"""Sends the payload of a `next` message and waits until the socket took it."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who subscribes: an operation on a socket."""

    executor: Executor
    planned: Planned
    context: Context
    caller: Caller
    identity: str
    follower: Follower
    send: Send

    def member(self, wish: KillmailWish | SyncWish, field: str, shown: Callable[[Any], Answer]) -> Member:
        """Its part in a stream."""

        async def render(event: Any, caller: Caller) -> bytes:
            context = replace(self.context, caller=None if caller is STRANGER else caller)
            return orjson.dumps(await self.executor.event(self.planned, {field: shown(event)}, context))

        return Member(self.follower, self.identity, self.caller, wish, render)


async def follow(subscriber: Subscriber) -> None:
    """Serve a subscription until it is cancelled.

    Raises:
        InvalidDocument, Refused: it cannot begin.
    """
    followed = subscriber.executor.followed(subscriber.planned)
    if followed.field_name == "killmailAdded":
        await _follow_killmails(subscriber, followed)
    else:
        await _follow_syncs(subscriber, followed)


async def _follow_killmails(subscriber: Subscriber, followed: Followed) -> None:
    feed = subscriber.context.services.live_feed
    document = _document(subscriber.planned, leave_out=followed.variable_of.get("after"))
    chosen = killmail_filter(followed.arguments.get("filter"))
    compiled = subscriber.context.services.compiled

    async def tell(viewer: Viewer, live_cursors: Mapping[int, str]) -> Mapping[int, Answer]:
        return await compiled.arrived(followed, viewer, live_cursors, chosen)

    alike = chosen == EVERYTHING and compiled.is_alike_for_all(followed)
    wish = KillmailWish(document, chosen, tell, alike)
    member = subscriber.member(wish, "killmailAdded", lambda killmail: killmail)
    try:
        await _catch_up(feed, subscriber, member, followed.arguments.get("after"))
        feed.ring()
        await asyncio.get_running_loop().create_future()  # until it is cancelled
    finally:
        member.leave()


async def _follow_syncs(subscriber: Subscriber, followed: Followed) -> None:
    feed, chosen = subscriber.context.services.live_feed, followed.arguments.get("characterId")
    if subscriber.caller is STRANGER:
        raise Refused(Code.UNAUTHENTICATED, "Log in to follow syncs.")
    character_id = None if chosen is None else eve_id(chosen)
    if character_id is not None and character_id not in subscriber.caller.listed_ids:
        raise Refused(Code.FORBIDDEN, "`characterId` must be a character in your account.")
    wish = SyncWish(_document(subscriber.planned), subscriber.caller.account_id, character_id)
    member = subscriber.member(wish, "syncProgress", _sync_row)
    try:
        feed.syncs.join(member)
        feed.ring()
        await asyncio.get_running_loop().create_future()  # until it is cancelled
    finally:
        member.leave()


async def _catch_up(feed: LiveFeed, subscriber: Subscriber, member: Member, after: str | None) -> None:
    """Bring the member to where the stream is, and let it in.

    Raises:
        Refused: `after` is no cursor of ours.
    """
    try:
        position = None if after is None else cursor_position(after)
    except InvalidCursor:
        raise Refused(Code.BAD_USER_INPUT, "`after` is not a valid cursor for `killmailAdded`.") from None
    member.position = await feed.killmails.start_of(position)
    while not feed.killmails.join(member):
        for _, killmail in await feed.killmails.catch_up(member):
            await subscriber.send(await member.render(killmail, member.caller))
        # It may take long, and be over meanwhile.
        caller = await member.follower.credentials.caller(subscriber.context.services.pool)
        if caller is None:
            member.follower.end_session()
            return
        member.caller = caller


def _document(planned: Planned, leave_out: str | None = None) -> tuple[str, str | None, bytes]:
    """What of a document decides its answers, apart from who asks: two of them are equal if their answers are.

    Args:
        leave_out: a variable that names a cursor; where it is used for nothing else, its value does not count.
    """
    text = planned.document.loc.source.body if planned.document.loc is not None else ""
    variables = planned.operation.variables or {}
    if leave_out is not None and len(re.findall(rf"\${leave_out}\b", text)) == 2:  # its definition and its use
        variables = {name: value for name, value in variables.items() if name != leave_out}
    return text, planned.operation.operation_name, orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)


def _sync_row(character: AccountCharacter) -> Row:
    """A `CharacterSync` of the schema."""
    return {
        "characterId": str(character.character_id),
        "name": character.name,
        "lastKillmailSyncAt": character.last_killmail_sync_at,
        "syncStatus": status_row(character.status),
        "lastRun": None if character.last_run is None else run_row(character.last_run),
    }
