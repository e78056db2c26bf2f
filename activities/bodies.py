"""`fetch_killmails`: killmail bodies, a batch at a time, stored and announced."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
from temporalio import activity

from contracts.call_classes import CallClass
from contracts.sync import FetchedKillmails, FetchKillmails
from db.intake.public import Ring
from db.intake.receive import Received, receive_killmails
from db.intake.references import FAILURES, FailedAttempt, PendingReference, record_failures, take_up
from eve.errors import (
    BadRequest,
    Downtime,
    EveError,
    Forbidden,
    InvalidHash,
    MalformedBody,
    NotFound,
    RateLimited,
    RedisUnreachable,
    Unavailable,
)
from eve.esi.client import Esi
from eve.killmail import KillmailRef
from live import LiveEvents

AT_ONCE = 20
"""Requests of one batch under way together."""
LATE_RETRY = timedelta(minutes=10)
"""A 422 or 404 is tried once more this late: ESI has been seen to answer both falsely under load."""
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
BLAMELESS_ATTEMPTS = 2
"""So often a batch of which ESI gives nothing is tried again at once: ESI may be at fault for a moment. After that the
killmails are counted as failed: some answer 500 for ever, and whoever has only those must get on."""
PARK_AFTER_ATTEMPTS = 12
"""About a day and a half of ever later attempts; then it waits for a full resync."""

for _reason in (InvalidHash, NotFound, BadRequest, Forbidden, MalformedBody, Unavailable):
    for _then in ("tried_again", "given_up"):
        FAILURES.labels(_reason.__name__, _then)  # so that the first one is seen as a rise from 0


@dataclass
class _Batch:
    bodies: dict[int, bytes] = field(default_factory=dict)
    failed: dict[int, EveError] = field(default_factory=dict)
    stop: EveError | None = None  # the budget is spent or unknown, or EVE is down: for all of them


class KillmailBodies:
    """Idempotent: whatever happened between two attempts, each killmail is stored once and announced."""

    def __init__(self, pool: asyncpg.Pool, esi: Esi, live: LiveEvents, ring: Ring) -> None:
        self._pool = pool
        self._esi = esi
        self._live = live
        self._ring = ring

    @activity.defn
    async def fetch_killmails(self, request: FetchKillmails) -> FetchedKillmails:
        """Fetch and store the bodies that are still missing, then announce all of the batch that is stored.

        A killmail that cannot be had is noted on its reference and tried again later; it never fails the batch.

        Raises:
            RateLimited, Downtime, RedisUnreachable: the rest must wait; what was fetched is stored and announced.
            Unavailable: ESI gave none of them, for the first times.
        """
        call_class = CallClass(request.call_class)
        wanted = await take_up(self._pool, request.killmail_ids, request.claimed_by)
        batch = await self._fetch(wanted, call_class)
        received = await self._receive(batch, request.killmail_ids, call_class)
        if batch.stop is None and not batch.bodies and activity.info().attempt <= BLAMELESS_ATTEMPTS:
            batch.stop = next((error for error in batch.failed.values() if isinstance(error, Unavailable)), None)
        if batch.stop is None:
            attempts = {reference.killmail_id: reference.attempts for reference in wanted}
            now = datetime.now(UTC)
            failures = [failed_attempt(i, error, attempts[i], now) for i, error in batch.failed.items()]
            if failures:
                await record_failures(self._pool, failures)
        if batch.stop is not None:
            raise batch.stop
        return FetchedKillmails(
            stored=len(received.new),
            already_stored=len(received.stored) - len(received.new),
            failed=len(batch.failed),
        )

    async def _fetch(self, wanted: list[PendingReference], call_class: CallClass) -> _Batch:
        batch = _Batch()
        waiting = list(reversed(wanted))

        async def fetch() -> None:
            while waiting and batch.stop is None:
                reference = waiting.pop()
                try:
                    batch.bodies[reference.killmail_id] = await self._esi.killmail(
                        KillmailRef(reference.killmail_id, reference.killmail_hash), call_class
                    )
                except (RateLimited, Downtime, RedisUnreachable) as error:
                    batch.stop = error
                except EveError as error:
                    batch.failed[reference.killmail_id] = error

        await asyncio.gather(*(fetch() for _ in range(min(AT_ONCE, len(wanted)))))
        return batch

    async def _receive(self, batch: _Batch, killmail_ids: list[int], call_class: CallClass) -> Received:
        """A body that Postgres refuses counts as a killmail that could not be had."""
        by_position = list(batch.bodies)
        received = await receive_killmails(
            self._pool,
            self._live,
            list(batch.bodies.values()),
            killmail_ids=killmail_ids,
            by=call_class,
        )
        await self._ring(received.news)
        for refused in received.refused:
            killmail_id = by_position[refused.position]
            del batch.bodies[killmail_id]
            batch.failed[killmail_id] = BadRequest("Postgres does not take this body.")
        return received


def failed_attempt(killmail_id: int, error: EveError, attempts_before: int, now: datetime) -> FailedAttempt:
    """When to try a killmail again, or never: 422 and 404 once more and late, anything else ever later."""
    attempt = attempts_before + 1
    lasting = isinstance(error, (InvalidHash, NotFound, BadRequest, Forbidden))
    next_attempt_at: datetime | None
    if lasting:
        next_attempt_at = now + LATE_RETRY if attempt == 1 else None
    elif attempt >= PARK_AFTER_ATTEMPTS:
        next_attempt_at = None
    else:
        next_attempt_at = now + min(FIRST_RETRY * 2 ** (attempt - 1), LONGEST_RETRY)
    return FailedAttempt(killmail_id, type(error).__name__, next_attempt_at)
