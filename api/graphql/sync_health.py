"""Resolver of `Query.syncHealth`."""

from __future__ import annotations

import asyncio
from typing import Any

from ariadne import ObjectType

from api.caller import operator_of
from api.errors import Code, Refused
from api.graphql.execution import Info
from api.graphql.lookahead import selects
from db.syncs.health import failures_by_reason, late_pilots, sync_health
from eve.errors import Unavailable
from eve.esi.budget import BucketState, Budget

query = ObjectType("Query")
Row = dict[str, Any]
REDIS_SECONDS = 2.0
"""How long a caller waits for ESI's budgets."""


@query.field("syncHealth")
async def resolve_sync_health(_: None, info: Info) -> Row:
    context = info.context
    settings, pool = context.services.settings, context.services.pool
    interval = settings.sync_interval_seconds
    health = await sync_health(pool, interval)
    wants_details = selects(info, "details") and await operator_of(context.services, context.caller) is not None
    buckets = await _buckets(Budget(context.services.redis)) if wants_details or selects(info, "budgets") else []
    return {
        "users": health.users,
        "syncedLastHour": health.synced_last_hour,
        "due": health.due,
        "late": health.late,
        "loggedOut": health.logged_out,
        "lagSeconds": None if health.lag_seconds is None else round(health.lag_seconds),
        "newKillmailsLastHour": health.new_killmails_last_hour,
        "budgets": _by_group(buckets),
        "details": await _details(info, buckets, interval) if wants_details else None,
    }


async def _details(info: Info, buckets: list[BucketState], interval: int) -> Row:
    pool = info.context.services.pool
    return {
        "latePilots": [
            {
                "character": {"id": str(one.character_id), "name": one.name},
                "state": one.state.name,
                "lastKillmailSyncAt": one.last_killmail_sync_at,
            }
            for one in await late_pilots(pool, interval)
        ],
        "failures": [{"reason": reason, "count": count} for reason, count in await failures_by_reason(pool)],
        "buckets": [
            {"group": one.group, "key": one.key, "limit": one.limit, "remaining": one.remaining} for one in buckets
        ],
    }


async def _buckets(budget: Budget) -> list[BucketState]:
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            return await budget.buckets()
    except (Unavailable, TimeoutError):
        raise Refused(Code.UNAVAILABLE, "Redis is not responding, so ESI's budgets are unknown for now.") from None


def _by_group(buckets: list[BucketState]) -> list[Row]:
    """The fullest and the emptiest would say whose they are; together they say how things stand."""
    groups: dict[str, Row] = {}
    for bucket in buckets:
        group = groups.setdefault(bucket.group, {"group": bucket.group, "buckets": 0, "limit": 0, "remaining": 0})
        group["buckets"] += 1
        group["limit"] += bucket.limit
        group["remaining"] += bucket.remaining
    return [groups[name] for name in sorted(groups)]


BINDABLES = (query,)
