"""`take_price_snapshot`, `appraise_killmails`: the prices of the day, and what killmails are worth by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import asyncpg
from temporalio import activity

from contracts.call_classes import CallClass
from contracts.values import AppraisedKillmails, AppraiseKillmails, PricesTaken
from db.values.appraisal import appraise, killmails_since, waiting_for_appraisal
from db.values.history import waiting_for_then
from db.values.prices import SnapshotOutOfOrder, latest_snapshot, repeat_snapshot, store_snapshot
from eve.esi.client import Esi

PAGE = 200
"""Killmails one statement appraises; it holds their rows locked for some tenths of a second."""
PAGES = 10


def today() -> date:
    """The day in EVE time."""
    return datetime.now(UTC).date()


class Values:
    """Both are idempotent: a day gets one snapshot, and an appraisal that changes nothing writes nothing."""

    def __init__(self, pool: asyncpg.Pool, esi: Esi, today: Callable[[], date] = today) -> None:
        self._pool = pool
        self._esi = esi
        self._today = today

    @activity.defn
    async def take_price_snapshot(self) -> PricesTaken:
        """Ask ESI for its prices, once a day.

        Raises:
            EveError: ESI cannot be asked now.
        """
        day = self._today()
        latest = await latest_snapshot(self._pool)
        if latest is not None and latest.day >= day:
            return PricesTaken(listed=latest.listed)
        listed = await self._esi.market_prices(latest.etag if latest else "", CallClass.BACKFILL)
        try:
            if listed is None:
                await repeat_snapshot(self._pool, day)
                return PricesTaken(taken=True, listed=latest.listed if latest else 0)
            rows = [(price.type_id, price.average_price, price.adjusted_price) for price in listed.prices]
            changed = await store_snapshot(self._pool, day, listed.etag, rows)
        except SnapshotOutOfOrder:
            return PricesTaken(listed=latest.listed if latest else 0)  # another worker was faster
        return PricesTaken(taken=True, listed=len(rows), changed=changed)

    @activity.defn
    async def appraise_killmails(self, request: AppraiseKillmails) -> AppraisedKillmails:
        """Appraise the next killmails by id, a few pages of them."""
        appraised = AppraisedKillmails(after_killmail_id=request.after_killmail_id)
        for _ in range(PAGES):
            page = await self._next(request, appraised.after_killmail_id)
            if page:
                changed = await appraise(self._pool, page, again=request.everything)
                appraised.changed += len(changed)
                appraised.looked_at += len(page)
                appraised.after_killmail_id = page[-1]
            appraised.done = len(page) < PAGE
            if appraised.done:
                break
        return appraised

    async def _next(self, request: AppraiseKillmails, after: int) -> list[int]:
        if request.everything:
            since = date.fromisoformat(request.since) if request.since else None
            return await killmails_since(self._pool, since, after, PAGE)
        if request.then:
            return await waiting_for_then(self._pool, after, PAGE)
        latest = await latest_snapshot(self._pool)
        return [] if latest is None else await waiting_for_appraisal(self._pool, latest.day, after, PAGE)
