"""The rules of ESI's budgets that need no Redis: what a call costs, in which bucket, and who may spend how much.

Costs and bucket keys: ESI docs, "Rate limiting" and "Error limit".
"""

from __future__ import annotations

from contracts.call_classes import CallClass
from eve.answer import Answer
from eve.esi.routes import ERROR_LIMIT, Limit, Route

_SHARED = "source-address"

RESERVES = {
    CallClass.LIVE: 0,
    CallClass.FIRST_SYNC: 100,
    CallClass.BACKFILL: 400,
    CallClass.IMPORT: 500,
    CallClass.REFRESH: 600,
}
"""Thousandths of a bucket that a class leaves to the more urgent ones."""
TURNS = {
    CallClass.LIVE: 0,
    CallClass.FIRST_SYNC: 0,
    CallClass.BACKFILL: 1,
    CallClass.IMPORT: 2,
    CallClass.REFRESH: 2,
}
"""Who comes back first to a bucket that was spent."""
NOT_OURS = ("elsewhere", "before")
"""What ESI counted beside our calls: while we were calling, and before we asked after a silence."""
ERROR_RESERVE = 200
"""Thousandths of the error limit nobody touches: a stop at 20 errors left, well before 420."""
WORST_COST = 5
"""What a call may cost at most, and so reserves: a 4XX. A 2XX costs 2, a 3XX 1, a 5XX nothing, a 429 nothing."""
UNKNOWN_COST = 2
"""Charged when no answer came: ESI may have served it."""


def at(name: str, egress: str) -> str:
    """What `name` is called where it is counted by our source address; `egress` "": the one that has no name."""
    return f"{name}@{egress}" if egress else name


def bucket_name(limit: Limit, caller: str | None, egress: str) -> str:
    """Which bucket a call draws on: the group, and whose share of it."""
    shared = at(_SHARED, egress)
    return f"{limit.group}:{shared if limit.group == ERROR_LIMIT.group else caller or shared}"


def pause_name(route: Route, limit: Limit, caller: str | None, egress: str) -> str:
    """A 429 pauses its bucket; outside the groups, only its route (a limiter inside the game server)."""
    return route.template if limit.group == ERROR_LIMIT.group else bucket_name(limit, caller, egress)


def payer_of(caller: str | None, answer: Answer | None) -> str | None:
    """Whom ESI charges for this answer: with 401 it knows no caller, so the source address (None) pays."""
    return None if answer is not None and answer.status == 401 else caller


def cost_of(bucket: Limit, answer: Answer | None) -> int:
    """What ESI charges for this answer in this bucket."""
    if bucket.group == ERROR_LIMIT.group:
        return int(answer is None or answer.status >= 400)
    if answer is None:
        return UNKNOWN_COST
    if answer.status == 429 or answer.status >= 500:
        return 0
    return {2: 2, 3: 1}.get(answer.status // 100, WORST_COST)
