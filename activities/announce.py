"""Tell those who may see killmails that they are here; of an imported history, only what is news."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from contracts.call_classes import CallClass
from db.intake.arrivals import record_arrivals
from db.intake.references import news_among, users_on
from live import LiveEvents


async def announce(pool: asyncpg.Pool, live: LiveEvents, killmail_ids: Sequence[int], call_class: CallClass) -> None:
    """To be called after the commit. Years-old killmails must not drop in at the top of anybody's live feed."""
    news = killmail_ids
    if call_class is CallClass.IMPORT:
        news = await news_among(pool, killmail_ids)
        await record_arrivals(pool, set(killmail_ids) - set(news), silent=True)
    if news:
        await record_arrivals(pool, news)
        await live.killmails_stored(news, await users_on(pool, news))
