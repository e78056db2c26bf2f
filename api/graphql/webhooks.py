"""Resolvers of webhooks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
from ariadne import MutationType, ObjectType

from api.arguments import eve_id, killmail_filter
from api.errors import Code
from api.graphql.execution import Info
from api.graphql.permissions import session_only
from api.orders.requests import Refusal
from api.orders.webhooks import (
    MadeWebhook,
    WebhookOrder,
    clock,
    make_webhook,
    order_webhook,
    quiet_time,
    webhooks_of,
)
from db.webhooks.hooks import NewWebhook, Tells
from db.webhooks.schedule import Every, Schedule
from db.webhooks.shown import ShownDelivery, ShownWebhook
from db.webhooks.subjects import Subject

me = ObjectType("Me")
mutation = MutationType()
Row = dict[str, Any]
LOG_IN = Refusal(Code.UNAUTHENTICATED, "Log in first.")


@me.field("webhooks")
async def resolve_webhooks(_: Row, info: Info) -> list[Row]:
    caller = info.context.caller
    assert caller is not None  # noqa: S101 - `me` is null for anonymous callers
    session_only(caller)
    return [_row(one) for one in await webhooks_of(info.context.services, caller)]


@mutation.field("createWebhook")
async def resolve_create_webhook(_: None, info: Info, input: Row) -> Row:  # noqa: A002 - the schema's name
    context = info.context
    subject, told = Subject[input["subject"]], input.get("subjectId")
    subject_id = 0 if subject is Subject.INSTALLATION else eve_id(told or "")
    quiet = quiet_time(input.get("quietFrom") or "", input.get("quietUntil") or "")
    made: MadeWebhook | Refusal = LOG_IN
    if context.caller is not None and isinstance(quiet, Refusal):
        made = quiet
    elif context.caller is not None and not isinstance(quiet, Refusal):
        new = NewWebhook(
            subject,
            subject_id,
            input["name"],
            killmail_filter(input.get("filter")),
            input["url"],
            max_age=timedelta(minutes=max(0, min(input["maxAgeMinutes"], 10_000))),
            burst=input["digestAbove"],
            quiet=quiet,
            tells=Tells[input["tells"]],
            digest=_schedule(input.get("digest")),
        )
        made = await make_webhook(context.services, context.caller, new)
    if isinstance(made, Refusal):
        return {"webhook": None, "secret": None, "userErrors": _errors(made)}
    return {"webhook": await _one(info, made.webhook_id), "secret": made.secret or None, "userErrors": []}


@mutation.field("orderWebhook")
async def resolve_order_webhook(_: None, info: Info, id: str, order: str) -> Row:  # noqa: A002 - the schema's name
    context, webhook_id = info.context, eve_id(id)
    if context.caller is None:
        return {"webhook": None, "userErrors": _errors(LOG_IN)}
    wanted: WebhookOrder = _ORDERS[order]
    refusal = await order_webhook(context.services, context.caller, webhook_id, wanted)
    return {"webhook": await _one(info, webhook_id), "userErrors": _errors(refusal)}


_ORDERS: dict[str, WebhookOrder] = {
    "DELETE": "delete",
    "PAUSE": "pause",
    "RESUME": "resume",
    "TEST": "test",
    "REDRIVE": "redrive",
}


async def _one(info: Info, webhook_id: int) -> Row | None:
    caller = info.context.caller
    assert caller is not None  # noqa: S101 - asked before
    every = await webhooks_of(info.context.services, caller)
    return next((_row(one) for one in every if one.webhook_id == webhook_id), None)


def _row(hook: ShownWebhook) -> Row:
    return {
        "id": str(hook.webhook_id),
        "name": hook.name,
        "subject": hook.subject.name,
        "subjectId": str(hook.subject_id) if hook.subject_id else None,
        "host": hook.target_host,
        "filter": orjson.dumps(hook.chosen).decode(),
        "maxAgeMinutes": hook.max_age_seconds // 60,
        "digestAbove": hook.burst,
        "quietFrom": clock(hook.quiet_from),
        "quietUntil": clock(hook.quiet_until),
        "tells": hook.tells.name,
        "digest": None if hook.digest is None else _digest(hook.digest, hook.next_digest_at),
        "confirmed": hook.is_confirmed,
        "works": hook.works,
        "paused": hook.paused and hook.paused.name,
        "failingSince": hook.failing_since,
        "nextAttemptAt": hook.next_attempt_at,
        "waiting": hook.waiting,
        "createdAt": hook.created_at,
        "deliveries": [_line(one) for one in hook.deliveries],
    }


def _schedule(given: Row | None) -> Schedule | None:
    if given is None:
        return None
    return Schedule(Every[given["every"]], given["hour"], given.get("weekday"), given["evenIfEmpty"])


def _digest(schedule: Schedule, next_at: datetime | None) -> Row:
    return {
        "every": schedule.every.name,
        "hour": schedule.hour,
        "weekday": schedule.weekday,
        "evenIfEmpty": schedule.even_if_empty,
        "nextAt": next_at,
    }


def _line(one: ShownDelivery) -> Row:
    return {
        "kind": one.kind.upper(),
        "killmailId": one.killmail_id and str(one.killmail_id),
        "state": one.state.upper(),
        "reason": one.reason,
        "status": one.status,
        "attempts": one.attempts,
        "createdAt": one.created_at,
        "settledAt": one.settled_at,
    }


def _errors(refusal: Refusal | None) -> list[Row]:
    return [] if refusal is None else [{"code": refusal.code, "message": refusal.message}]


BINDABLES = (me, mutation)
