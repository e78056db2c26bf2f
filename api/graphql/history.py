"""Resolvers of where killmails came from, and of the whole history from the public archive."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, ObjectType

from api.errors import Code
from api.graphql.execution import Info
from api.orders.history import history_sentence, request_history
from api.orders.killmail_account import killmail_accounts
from api.orders.requests import DELAYED, Refusal
from db.intake.history import history_progress

me, account_character = ObjectType("Me"), ObjectType("AccountCharacter")
mutation = MutationType()
Row = dict[str, Any]
LOG_IN = Refusal(Code.UNAUTHENTICATED, "Log in first.")


@me.field("archiveHistory")
async def resolve_archive_history(_: Row, info: Info) -> Row | None:
    return await _history(info)


@account_character.field("killmailAccount")
async def resolve_killmail_account(parent: Row, info: Info) -> Row:
    caller, character_id = info.context.caller, int(parent["id"])
    assert caller is not None  # noqa: S101 - anonymous callers have no account
    if character_id not in caller.character_ids:  # it is listed, and was sold
        return {"total": 0, "sources": [], "missing": []}
    account = (await killmail_accounts(info.context.services, [character_id]))[character_id]
    return {
        "total": account.total,
        "sources": [{"source": source.name, "killmails": killmails} for source, killmails in account.sources],
        "missing": [{"reason": one.reason, "message": one.message} for one in account.missing],
    }


@mutation.field("requestArchiveHistory")
async def resolve_request_archive_history(_: None, info: Info) -> Row:
    context = info.context
    if context.caller is None:
        return {"history": None, "userErrors": _errors(LOG_IN)}
    refusal = await request_history(context.services, context.caller)
    return {"history": await _history(info), "userErrors": _errors(None if refusal is DELAYED else refusal)}


async def _history(info: Info) -> Row | None:
    caller = info.context.caller
    assert caller is not None  # noqa: S101 - asked before
    found = await history_progress(info.context.services.pool, caller.account_id)
    if found is None:
        return None
    return {
        "message": history_sentence(found),
        "daysRead": found.done,
        "days": found.total,
        "secondsLeft": None if found.left is None else int(found.left.total_seconds()),
        "askedAt": found.asked_at,
        "finishedAt": found.finished_at,
    }


def _errors(refusal: Refusal | None) -> list[Row]:
    return [] if refusal is None else [{"code": refusal.code, "message": refusal.message}]


BINDABLES = (me, account_character, mutation)
