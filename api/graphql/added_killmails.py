"""Resolver of `addKillmail`."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from api.errors import Code
from api.graphql.execution import Info
from api.orders.added_killmails import Added, add_killmail

added_killmails = MutationType()


@added_killmails.field("addKillmail")
async def resolve_add_killmail(_: None, info: Info, link: str) -> dict[str, Any]:
    context = info.context
    if context.caller is None:
        return _refused(Code.UNAUTHENTICATED, "Log in first.")
    outcome = await add_killmail(context.services, context.caller, link)
    if isinstance(outcome, Added):
        return {"killmail": outcome.node, "wasHere": outcome.was_here, "userErrors": []}
    return _refused(outcome.code, outcome.message)


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"killmail": None, "wasHere": False, "userErrors": [{"code": code, "message": message}]}


BINDABLES = (added_killmails,)
