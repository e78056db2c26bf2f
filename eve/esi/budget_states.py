"""What the account of ESI's budgets tells: a reservation, a bucket, a pause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.call_classes import CallClass
from eve.esi.routes import Limit, Route


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens taken before a request. If it is never settled they come back with the window.

    `born` is the incarnation of the bucket (Redis may restart empty in between); `alone` tells, when not 0,
    that no other call drew on the bucket when this one began.
    """

    route: Route
    caller: str | None
    call_class: CallClass
    bucket: Limit
    slot: int
    born: int
    tokens: int
    alone: int
    heeds_downtime: bool


@dataclass(frozen=True, slots=True)
class BucketState:
    """One bucket as we account it. For the group `error-limit`, tokens are failed answers.

    `spent_by` says by what, for all that spent something: a `CallClass`, or one of `NOT_OURS`.
    """

    group: str
    key: str
    limit: int
    window_seconds: int
    spent: int
    remaining: int
    spent_by: dict[str, int]


@dataclass(frozen=True, slots=True)
class Pause:
    """What stands still, and until when (UTC): `downtime` and `error-limit` are everything, others one bucket.

    Behind an `@` stands the egress whose it is, where that has a name.
    """

    scope: str
    until: datetime
