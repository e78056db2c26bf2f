"""Resolvers of ship replacement: claims, for the pilots of the losses and the directors who decide."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, QueryType

from api.arguments import eve_id, page_size
from api.errors import Code, Refused
from api.graphql.execution import Info
from api.orders.reimbursements import change_claim
from api.orders.requests import Refusal
from db.killmails.cursors import InvalidCursor
from db.reimbursements.lists import Asked, Claim, claim_of, claims, month_of, totals
from db.reimbursements.steps import Change, State, next_states
from db.universe.known import Known, known_of

Row = dict[str, Any]
query = QueryType()
mutation = MutationType()
LOG_IN = Refusal(Code.UNAUTHENTICATED, "Log in first.")
_NOTHING: Row = {"nodes": [], "totals": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


@query.field("reimbursement")
async def resolve_reimbursement(_: None, info: Info, killmailId: str) -> Row | None:  # noqa: N803 - the schema's name
    context, killmail_id = info.context, eve_id(killmailId)
    if context.caller is None:
        return None
    found = await claim_of(context.services.pool, context.caller.account_id, killmail_id)
    return await _one(info, found)


@query.field("reimbursements")
async def resolve_reimbursements(
    _: None,
    info: Info,
    corporationId: str | None = None,  # noqa: N803 - the schema's name
    month: str | None = None,
    state: str | None = None,
    first: int | None = 50,
    after: str | None = None,
) -> Row:
    context = info.context
    span = None if month is None else month_of(month)
    if month is not None and span is None:
        raise Refused(Code.BAD_USER_INPUT, "`month` must be one such as 2026-11.")
    corporation_id = None if corporationId is None else eve_id(corporationId)
    asked = Asked(corporation_id, span, None if state is None else State[state])
    if context.caller is None:
        return _NOTHING
    pool, account_id = context.services.pool, context.caller.account_id
    try:
        page, more = await claims(pool, account_id, asked, page_size(first), after)
    except InvalidCursor:
        raise Refused(Code.BAD_USER_INPUT, "`after` is not a valid cursor for this list and order.") from None
    return {
        "nodes": await _rows(info, page),
        "totals": [
            {"state": one.state.name, "count": one.count, "value": f"{one.value:.2f}"}
            for one in await totals(pool, account_id, asked)
        ],
        "pageInfo": {"hasNextPage": more, "endCursor": page[-1].cursor if page else None},
    }


@mutation.field("changeReimbursement")
async def resolve_change_reimbursement(
    _: None,
    info: Info,
    killmailId: str,  # noqa: N803 - the schema's name
    state: str,
    seen: int,
    note: str = "",
) -> Row:
    context, killmail_id = info.context, eve_id(killmailId)
    if context.caller is None:
        return {"reimbursement": None, "userErrors": _errors(LOG_IN)}
    refusal = await change_claim(context.services, context.caller, killmail_id, State[state], seen, note)
    found = await claim_of(context.services.pool, context.caller.account_id, killmail_id)
    return {"reimbursement": await _one(info, found), "userErrors": _errors(refusal)}


async def _one(info: Info, found: Claim | None) -> Row | None:
    return None if found is None else (await _rows(info, [found]))[0]


async def _rows(info: Info, page: list[Claim]) -> list[Row]:
    """With what is known of everybody on them. One statement."""
    ids = {one.by_character_id for claim in page for one in claim.history}
    for claim in page:
        ids |= {claim.character_id, claim.corporation_id, claim.ship_id or 0}
    async with info.context.services.pool.acquire() as connection:
        known = await known_of(connection, ids)
    return [_row(one, known) for one in page]


def _row(claim: Claim, known: Known) -> Row:
    return {
        "killmailId": str(claim.killmail_id),
        "time": claim.killmail_time,
        "state": claim.state.name,
        "changes": claim.changes,
        "pilot": known.character(claim.character_id),
        "corporation": known.organization(claim.corporation_id),
        "ship": known.type(claim.ship_id),
        "value": None if claim.value is None else f"{claim.value:.2f}",
        "nextStates": [one.name for one in next_states(claim.state, claim.roles)],
        "history": [_change(one, known) for one in claim.history],
    }


def _change(one: Change, known: Known) -> Row:
    return {
        "number": one.number,
        "before": one.before and one.before.name,
        "after": one.after.name,
        "note": one.note,
        "by": known.character(one.by_character_id),
        "role": one.role.name,
        "changedAt": one.changed_at,
    }


def _errors(refusal: Refusal | None) -> list[Row]:
    return [] if refusal is None else [{"code": refusal.code, "message": refusal.message}]


BINDABLES = (query, mutation)
