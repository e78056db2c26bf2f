"""Resolvers of the imports from zKillboard."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, QueryType

from api.arguments import eve_id
from api.errors import Code, Refused
from api.graphql.execution import Info
from api.orders.imports import ImportOrder, order_import
from db.intake.imports import ShownImport, imports_of

import_queries = QueryType()
import_mutations = MutationType()
Row = dict[str, Any]


@import_queries.field("zkillboardImport")
async def resolve_import(_: None, info: Info, characterId: str) -> Row | None:  # noqa: N803 - the schema's name
    caller, character_id = info.context.caller, eve_id(characterId)
    if caller is None:
        return None
    if character_id not in caller.character_ids:
        raise Refused(Code.FORBIDDEN, "`characterId` must be a character in your account.")
    return await _import_row(info, character_id)


@import_mutations.field("estimateZkillboardImport")
async def resolve_estimate(_: None, info: Info, characterId: str) -> Row:  # noqa: N803
    return await _order(info, characterId, "estimate")


@import_mutations.field("startZkillboardImport")
async def resolve_start(_: None, info: Info, characterId: str) -> Row:  # noqa: N803
    return await _order(info, characterId, "start")


@import_mutations.field("cancelZkillboardImport")
async def resolve_cancel(_: None, info: Info, characterId: str) -> Row:  # noqa: N803
    return await _order(info, characterId, "cancel")


async def _order(info: Info, given_id: str, order: ImportOrder) -> Row:
    context, character_id = info.context, eve_id(given_id)
    if context.caller is None:
        return {"import": None, "userErrors": [{"code": Code.UNAUTHENTICATED, "message": "Log in first."}]}
    refusal = await order_import(context.services, context.caller, character_id, order)
    if refusal is not None:
        return {"import": None, "userErrors": [{"code": refusal.code, "message": refusal.message}]}
    return {"import": await _import_row(info, character_id), "userErrors": []}


async def _import_row(info: Info, character_id: int) -> Row | None:
    shown = (await imports_of(info.context.services.pool, [character_id])).get(character_id)
    return None if shown is None else import_row(shown)


def import_row(shown: ShownImport) -> Row:
    """A `ZkillboardImport` of the schema."""
    estimate, progress, account = shown.estimate, shown.progress, shown.account
    return {
        "characterId": str(shown.character_id),
        "state": shown.state.name,
        "message": shown.message,
        "until": shown.until,
        "estimate": estimate
        and {
            "killmails": estimate.killmails,
            "new": estimate.new,
            "pages": estimate.pages,
            "seconds": estimate.seconds,
            "atLeast": estimate.at_least,
        },
        "progress": progress and {"done": progress.done, "total": progress.total},
        "startedAt": shown.started_at,
        "finishedAt": shown.finished_at,
        "account": None
        if shown.running
        else {
            "listed": account.listed,
            "new": account.new,
            "stored": account.stored,
            "pending": account.pending,
            "failed": account.failed,
            "failures": [{"reason": reason, "count": count} for reason, count in sorted(account.failures.items())],
            "unusable": account.unusable,
            "cutOff": account.cut_off,
        },
    }


BINDABLES = (import_queries, import_mutations)
