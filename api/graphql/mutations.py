"""Resolvers of `Mutation`: signals to the character's workflow, with what the pilot can put right as data."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from api.graphql.arguments import eve_id
from api.graphql.errors import Code
from api.graphql.execution import Context, Info
from api.graphql.queries import status_row
from api.sync_orders import give_order
from db.sync_status import characters

mutation = MutationType()
Row = dict[str, Any]


@mutation.field("syncNow")
async def resolve_sync_now(_: None, info: Info, characterId: str) -> Row:  # noqa: N803 - the schema's name
    return await _order(info.context, "sync_now", eve_id(characterId))


@mutation.field("forceFullResync")
async def resolve_force_full_resync(_: None, info: Info, characterId: str) -> Row:  # noqa: N803
    return await _order(info.context, "force_full_resync", eve_id(characterId))


async def _order(context: Context, signal: str, character_id: int) -> Row:
    if context.caller is None:
        return {"status": None, "userErrors": [{"code": Code.UNAUTHENTICATED, "message": "Log in first."}]}
    refusal = await give_order(context.services, context.caller, character_id, signal)
    if refusal is not None:
        return {"status": None, "userErrors": [{"code": refusal.code, "message": refusal.message}]}
    (character,) = await characters(context.services.pool, [character_id])
    return {"status": status_row(character.status), "userErrors": []}
