"""Resolvers of `Mutation`: signals to the character's workflow, with what the pilot can put right as data."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

from api.arguments import eve_id
from api.errors import Code
from api.graphql.corporations import corporation_row
from api.graphql.execution import Context, Info
from api.graphql.queries import status_row
from api.orders.corporations import set_corporation_sync
from api.orders.requests import Refusal
from api.orders.sharing import open_board
from api.orders.syncs import give_order
from db.accounts.sessions import Caller
from db.corporations.followed import ShownCorporation, account_corporations
from db.syncs.status import characters
from db.visibility import Visibility

mutation = MutationType()
Row = dict[str, Any]
LOG_IN = Refusal(Code.UNAUTHENTICATED, "Log in first.")


@mutation.field("syncNow")
async def resolve_sync_now(_: None, info: Info, characterId: str) -> Row:  # noqa: N803 - the schema's name
    return await _order(info.context, "sync_now", eve_id(characterId))


@mutation.field("forceFullResync")
async def resolve_force_full_resync(_: None, info: Info, characterId: str) -> Row:  # noqa: N803
    return await _order(info.context, "force_full_resync", eve_id(characterId))


@mutation.field("pauseSync")
async def resolve_pause_sync(_: None, info: Info, characterId: str) -> Row:  # noqa: N803
    return await _order(info.context, "pause", eve_id(characterId))


@mutation.field("resumeSync")
async def resolve_resume_sync(_: None, info: Info, characterId: str) -> Row:  # noqa: N803
    return await _order(info.context, "resume", eve_id(characterId))


@mutation.field("setCorporationSync")
async def resolve_set_corporation_sync(_: None, info: Info, corporationId: str, enabled: bool) -> Row:  # noqa: N803
    context, corporation_id = info.context, eve_id(corporationId)
    if context.caller is None:
        return _corporation_answer(LOG_IN, None)
    refusal = await set_corporation_sync(context.services, context.caller, corporation_id, enabled=enabled)
    return await _corporation(context, context.caller, corporation_id, refusal)


@mutation.field("setCorporationPublishing")
async def resolve_set_corporation_publishing(_: None, info: Info, corporationId: str, published: bool) -> Row:  # noqa: N803
    context, corporation_id = info.context, eve_id(corporationId)
    if context.caller is None:
        return _corporation_answer(LOG_IN, None)
    level = Visibility.MEMBERS if published else Visibility.PRIVATE
    refusal = await open_board(context.services, context.caller, "corporation", corporation_id, level)
    return await _corporation(context, context.caller, corporation_id, refusal)


async def _corporation(context: Context, caller: Caller, corporation_id: int, refusal: Refusal | None) -> Row:
    known = await account_corporations(context.services.pool, caller.account_id)
    return _corporation_answer(refusal, next((one for one in known if one.corporation_id == corporation_id), None))


def _corporation_answer(refusal: Refusal | None, corporation: ShownCorporation | None) -> Row:
    errors = [] if refusal is None else [{"code": refusal.code, "message": refusal.message}]
    shown = corporation_row(corporation) if corporation is not None and refusal is None else None
    return {"corporation": shown, "userErrors": errors}


async def _order(context: Context, signal: str, character_id: int) -> Row:
    if context.caller is None:
        return {"status": None, "userErrors": [{"code": Code.UNAUTHENTICATED, "message": "Log in first."}]}
    refusal = await give_order(context.services, context.caller, character_id, signal)
    if refusal is not None:
        return {"status": None, "userErrors": [{"code": refusal.code, "message": refusal.message}]}
    services = context.services
    (character,) = await characters(services.pool, [character_id], services.settings.sync_interval_seconds)
    return {"status": status_row(character.status), "userErrors": []}


BINDABLES = (mutation,)
