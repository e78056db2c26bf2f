"""Resolvers of feeds."""

from __future__ import annotations

from typing import Any

import orjson
from ariadne import MutationType, ObjectType

from api.arguments import eve_id, killmail_filter
from api.errors import Code
from api.graphql.execution import Info
from api.graphql.permissions import session_only
from api.orders.feeds import MadeFeed, feeds_of, make_feed, take_back_feed
from api.orders.requests import Refusal
from db.webhooks.feeds import ShownFeed
from db.webhooks.subjects import Subject

me = ObjectType("Me")
mutation = MutationType()
Row = dict[str, Any]
LOG_IN = Refusal(Code.UNAUTHENTICATED, "Log in first.")


@me.field("feeds")
async def resolve_feeds(_: Row, info: Info) -> list[Row]:
    caller = info.context.caller
    assert caller is not None  # noqa: S101 - `me` is null for anonymous callers
    session_only(caller)
    return await _feeds(info)


@mutation.field("createFeed")
async def resolve_create_feed(
    _: None,
    info: Info,
    name: str,
    subject: str,
    subjectId: str | None = None,  # noqa: N803 - the schema's name
    filter: Row | None = None,  # noqa: A002 - the schema's name
) -> Row:
    context, kind = info.context, Subject[subject]
    subject_id = 0 if kind is Subject.INSTALLATION else eve_id(subjectId or "")
    chosen = killmail_filter(filter)
    made: MadeFeed | Refusal = LOG_IN
    if context.caller is not None:
        made = await make_feed(context.services, context.caller, kind, subject_id, name, chosen)
    if isinstance(made, Refusal):
        return {"atomUrl": None, "jsonUrl": None, "userErrors": _errors(made)}
    return {"atomUrl": f"{made.address}.atom", "jsonUrl": f"{made.address}.json", "userErrors": []}


@mutation.field("revokeFeed")
async def resolve_revoke_feed(_: None, info: Info, id: str) -> Row:  # noqa: A002 - the schema's name
    context, feed_id = info.context, eve_id(id)
    if context.caller is None:
        return {"feeds": [], "userErrors": _errors(LOG_IN)}
    refusal = await take_back_feed(context.services, context.caller, feed_id)
    return {"feeds": await _feeds(info), "userErrors": _errors(refusal)}


async def _feeds(info: Info) -> list[Row]:
    assert info.context.caller is not None  # noqa: S101 - asked before
    return [_row(one) for one in await feeds_of(info.context.services, info.context.caller)]


def _row(feed: ShownFeed) -> Row:
    return {
        "id": str(feed.feed_id),
        "name": feed.name,
        "subject": feed.subject.name,
        "subjectId": str(feed.subject_id) if feed.subject_id else None,
        "filter": orjson.dumps(feed.chosen).decode(),
        "works": feed.works,
        "createdAt": feed.created_at,
        "lastUsedAt": feed.last_used_at,
    }


def _errors(refusal: Refusal | None) -> list[Row]:
    return [] if refusal is None else [{"code": refusal.code, "message": refusal.message}]


BINDABLES = (me, mutation)
