"""Resolvers of `addKillmail` and of the killmail it tells of."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, ObjectType

from api.caller import viewer_of
from api.compiled.reads import Answer
from api.errors import Code
from api.graphql.execution import Info
from api.orders.added_killmails import Added, add_killmail

added_killmails = MutationType()
added_killmail = ObjectType("AddedKillmail")


@added_killmails.field("addKillmail")
async def resolve_add_killmail(_: None, info: Info, link: str) -> dict[str, Any]:
    context = info.context
    if context.caller is None:
        return _refused(Code.UNAUTHENTICATED, "Log in first.")
    outcome = await add_killmail(context.services, context.caller, link)
    if isinstance(outcome, Added):
        return {"killmailId": outcome.killmail_id, "wasHere": outcome.was_here, "userErrors": []}
    return _refused(outcome.code, outcome.message)


@added_killmail.field("killmail")
async def resolve_killmail(parent: dict[str, Any], info: Info) -> Answer | None:
    context, killmail_id = info.context, parent["killmailId"]
    if killmail_id is None or context.caller is None:
        return None
    return await context.services.compiled.killmail(info, viewer_of(context.services, context.caller), killmail_id)


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"killmailId": None, "wasHere": False, "userErrors": [{"code": code, "message": message}]}


BINDABLES = (added_killmails, added_killmail)
