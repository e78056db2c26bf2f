"""Resolvers of who sees whose killmails, and of share links."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, ObjectType

from api.arguments import eve_id
from api.errors import Code
from api.graphql.execution import Info
from api.graphql.permissions import session_only
from api.orders.requests import Refusal
from api.orders.sharing import address_of, battle_of_link, infer_sides, make_link, move_side, open_board, revoke_link
from db.accounts.boards import BoardKind
from db.accounts.share_links import NewLink, ShownLink, Subject, account_share_links
from db.battles.nodes import battle_nodes
from db.visibility import Visibility

me = ObjectType("Me")
mutation = MutationType()
Row = dict[str, Any]
LOG_IN = Refusal(Code.UNAUTHENTICATED, "Log in first.")


@me.field("shareLinks")
async def resolve_share_links(_: Row, info: Info) -> list[Row]:
    caller = info.context.caller
    assert caller is not None  # noqa: S101 - `me` is null for anonymous callers
    session_only(caller)
    return await _links(info, caller.account_id)


@mutation.field("setCharacterVisibility")
async def resolve_set_character_visibility(_: None, info: Info, characterId: str, visibility: str) -> Row:  # noqa: N803
    return await _opened(info, "character", eve_id(characterId), Visibility[visibility])


@mutation.field("setCorporationVisibility")
async def resolve_set_corporation_visibility(_: None, info: Info, corporationId: str, visibility: str) -> Row:  # noqa: N803
    return await _opened(info, "corporation", eve_id(corporationId), Visibility[visibility])


@mutation.field("createShareLink")
async def resolve_create_share_link(_: None, info: Info, subject: str, id: str) -> Row:  # noqa: A002 - the schema's name
    context, subject_id = info.context, eve_id(id)
    made: NewLink | Refusal = LOG_IN
    if context.caller is not None:
        made = await make_link(context.services, context.caller, Subject[subject], subject_id)
    if isinstance(made, Refusal):
        return {"shareLink": None, "url": None, "userErrors": _errors(made)}
    return {"shareLink": _row(made.shown), "url": address_of(context.services, made), "userErrors": []}


@mutation.field("revokeShareLink")
async def resolve_revoke_share_link(_: None, info: Info, id: str) -> Row:  # noqa: A002 - the schema's name
    context, share_link_id = info.context, eve_id(id)
    if context.caller is None:
        return {"shareLinks": [], "userErrors": _errors(LOG_IN)}
    refusal = await revoke_link(context.services, context.caller, share_link_id)
    return {"shareLinks": await _links(info, context.caller.account_id), "userErrors": _errors(refusal)}


@mutation.field("moveBattleSide")
async def resolve_move_battle_side(_: None, info: Info, id: str, partyId: str, side: int) -> Row:  # noqa: A002, N803 - the schema's names
    context, share_link_id, party = info.context, eve_id(id), eve_id(partyId)
    refusal: Refusal | None = LOG_IN
    if context.caller is not None:
        refusal = await move_side(context.services, context.caller, share_link_id, party, side)
    return await _battle(info, share_link_id, refusal)


@mutation.field("inferBattleSides")
async def resolve_infer_battle_sides(_: None, info: Info, id: str) -> Row:  # noqa: A002 - the schema's name
    context, share_link_id = info.context, eve_id(id)
    refusal: Refusal | None = LOG_IN
    if context.caller is not None:
        refusal = await infer_sides(context.services, context.caller, share_link_id)
    return await _battle(info, share_link_id, refusal)


async def _battle(info: Info, share_link_id: int, refusal: Refusal | None) -> Row:
    """What the link shows after a change."""
    context, nodes = info.context, []
    if refusal is None and context.caller is not None:
        battle = await battle_of_link(context.services, context.caller, share_link_id)
        nodes = await battle_nodes(context.services.compiled.names, [battle] if battle else [])
    return {"battle": nodes[0] if nodes else None, "userErrors": _errors(refusal)}


async def _opened(info: Info, kind: BoardKind, board_id: int, level: Visibility) -> Row:
    context = info.context
    refusal: Refusal | None = LOG_IN
    if context.caller is not None:
        refusal = await open_board(context.services, context.caller, kind, board_id, level)
    return {"visibility": level.name if refusal is None else None, "userErrors": _errors(refusal)}


async def _links(info: Info, account_id: int) -> list[Row]:
    return [_row(link) for link in await account_share_links(info.context.services.pool, account_id)]


def _row(link: ShownLink) -> Row:
    return {
        "id": str(link.share_link_id),
        "subject": link.subject.name,
        "subjectId": str(link.subject_id),
        "works": link.works,
        "createdAt": link.created_at,
        "lastUsedAt": link.last_used_at,
    }


def _errors(refusal: Refusal | None) -> list[Row]:
    return [] if refusal is None else [{"code": refusal.code, "message": refusal.message}]


BINDABLES = (me, mutation)
