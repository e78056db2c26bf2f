"""Resolvers of what a pilot decides about their account: sessions, API keys, leaving."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ariadne import MutationType, ObjectType

from api.arguments import eve_id
from api.errors import Code
from api.exports.account import EXPORT_PATH
from api.graphql.execution import Info
from api.graphql.permissions import session_only
from api.orders import account as account_orders
from api.orders.requests import Refusal
from api.services import Services
from db.accounts.api_keys import NewKey, ShownKey, account_api_keys
from db.accounts.sessions import Caller, Scope, ShownSession, account_sessions

me, mutation = ObjectType("Me"), MutationType()
Row = dict[str, Any]
LOG_IN = Refusal(Code.UNAUTHENTICATED, "Log in first.")


@me.field("sessions")
async def resolve_sessions(_: Row, info: Info) -> list[Row]:
    caller = _caller(info)
    session_only(caller)
    found = await account_sessions(info.context.services.pool, caller.account_id)
    return [_session_row(session, caller) for session in found]


@me.field("apiKeys")
async def resolve_api_keys(_: Row, info: Info) -> list[Row]:
    caller = _caller(info)
    session_only(caller)
    return await _keys(info.context.services, caller)


@mutation.field("createApiKey")
async def resolve_create_api_key(_: None, info: Info, name: str, scopes: Sequence[str]) -> Row:
    caller = info.context.caller
    made: NewKey | Refusal = LOG_IN
    if caller is not None:
        made = await account_orders.make_key(info.context.services, caller, name, [Scope[scope] for scope in scopes])
    if isinstance(made, Refusal):
        return {"apiKey": None, "key": None, "userErrors": _errors(made)}
    return {"apiKey": _key_row(made.shown), "key": made.secret, "userErrors": []}


@mutation.field("revokeApiKey")
async def resolve_revoke_api_key(_: None, info: Info, id: str) -> Row:  # noqa: A002 - the schema's name
    caller, services, key_id = info.context.caller, info.context.services, eve_id(id)
    if caller is None:
        return {"apiKeys": [], "userErrors": _errors(LOG_IN)}
    refusal = await account_orders.revoke_key(services, caller, key_id)
    return {"apiKeys": await _keys(services, caller), "userErrors": _errors(refusal)}


@mutation.field("endSession")
async def resolve_end_session(_: None, info: Info, id: str) -> Row:  # noqa: A002 - the schema's name
    session_id = eve_id(id)
    refusal = await _as_caller(info, lambda who: account_orders.end_one_session(info.context.services, who, session_id))
    return {"ended": int(refusal is None), "userErrors": _errors(refusal)}


@mutation.field("endOtherSessions")
async def resolve_end_other_sessions(_: None, info: Info) -> Row:
    caller = info.context.caller
    if caller is None:
        return {"ended": 0, "userErrors": _errors(LOG_IN)}
    return {"ended": await account_orders.end_other_sessions(info.context.services, caller), "userErrors": []}


@mutation.field("exportMyData")
async def resolve_export_my_data(_: None, info: Info) -> Row:
    if info.context.caller is None:
        return {"url": None, "userErrors": _errors(LOG_IN)}
    return {"url": f"{info.context.services.settings.site_url}{EXPORT_PATH}", "userErrors": []}


@mutation.field("removeCharacter")
async def resolve_remove_character(_: None, info: Info, characterId: str) -> Row:  # noqa: N803 - the schema's name
    character_id = eve_id(characterId)
    refusal = await _as_caller(info, lambda who: account_orders.remove(info.context.services, who, character_id))
    return {"userErrors": _errors(refusal)}


@mutation.field("deleteAccount")
async def resolve_delete_account(_: None, info: Info, confirm: bool) -> Row:
    refusal = await _as_caller(info, lambda who: account_orders.delete(info.context.services, who, confirmed=confirm))
    return {"userErrors": _errors(refusal)}


async def _as_caller(info: Info, order: Callable[[Caller], Awaitable[Refusal | None]]) -> Refusal | None:
    return LOG_IN if info.context.caller is None else await order(info.context.caller)


def _caller(info: Info) -> Caller:
    caller = info.context.caller
    assert caller is not None  # noqa: S101 - `me` is null for anonymous callers
    return caller


async def _keys(services: Services, caller: Caller) -> list[Row]:
    return [_key_row(key) for key in await account_api_keys(services.pool, caller.account_id)]


def _errors(refusal: Refusal | None) -> list[Row]:
    return [] if refusal is None else [{"code": refusal.code, "message": refusal.message}]


def _session_row(session: ShownSession, caller: Caller) -> Row:
    return {
        "id": str(session.session_id),
        "client": session.client,
        "createdAt": session.created_at,
        "lastSeenAt": session.last_seen_at,
        "expiresAt": session.expires_at,
        "current": session.session_id == caller.session_id,
    }


def _key_row(key: ShownKey) -> Row:
    return {
        "id": str(key.api_key_id),
        "name": key.name,
        "hint": key.hint,
        "scopes": sorted(scope.name for scope in key.scopes),
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
    }


BINDABLES = (me, mutation)
