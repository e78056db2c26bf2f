"""How killmails come in, whoever brings them: store, appraise, give a place in the order of arrival, publish.

The sync, the import and a killmail added by its link all end here. Each step may run twice, and a process may die
between any two of them: whoever calls again with the same ids makes good what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import asyncpg

from contracts.call_classes import CallClass
from db.intake.arrivals import record_arrivals
from db.intake.references import news_among, stored_among, users_on
from db.intake.store import RefusedKillmail, RefusedKillmails, store_killmails
from db.values.appraisal import appraise
from live import LiveEvents

STORED_AT_ONCE = 50
"""Bodies in one statement: a page of large battles is tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a batch. Ids are ascending."""

    new: list[int]
    """Stored by this call."""
    stored: list[int]
    """Those asked about that are stored by now, whoever stored them."""
    refused: tuple[RefusedKillmail, ...]
    """Bodies that Postgres does not take, by their position."""


async def receive_killmails(
    pool: asyncpg.Pool,
    live: LiveEvents,
    bodies: Sequence[bytes],
    *,
    killmail_ids: Collection[int],
    only_news: bool = False,
) -> Received:
    """Store these bodies, then appraise and announce all of `killmail_ids` that are stored.

    Args:
        bodies: as ESI sent them and `eve` has validated them; may be empty.
        killmail_ids: the whole batch, with what an earlier attempt stored: it may have died before it could
            announce that.
        only_news: of a history. Years-old killmails must not appear at the top of anybody's live feed: they get
            their place in the order of arrival in silence.

    Raises:
        redis.exceptions.RedisError: nobody was told; the killmails are stored, and another call tells.
        asyncpg.PostgresError, OSError: the database is out of order.
    """
    new: list[int] = []
    refused: list[RefusedKillmail] = []
    for start in range(0, len(bodies), STORED_AT_ONCE):
        try:
            new += await store_killmails(pool, bodies[start : start + STORED_AT_ONCE])
        except RefusedKillmails as error:
            new += error.new
            refused += [replace(one, position=start + one.position) for one in error.refused]
    stored = await stored_among(pool, killmail_ids)
    if stored:
        await appraise(pool, stored)
        await announce(pool, live, stored, only_news=only_news)
    return Received(sorted(new), stored, tuple(refused))


async def announce(pool: asyncpg.Pool, live: LiveEvents, killmail_ids: Sequence[int], *, only_news: bool) -> None:
    """Tell those who may see these stored killmails that they are here. To be called after the commit."""
    news = killmail_ids
    if only_news:
        news = await news_among(pool, killmail_ids)
        await record_arrivals(pool, set(killmail_ids) - set(news), silent=True)
    if news:
        await record_arrivals(pool, news)
        await live.killmails_stored(news, await users_on(pool, news))


def is_history(call_class: CallClass) -> bool:
    """Whether what is fetched for this purpose is old, so that only what happened lately is news."""
    return call_class is CallClass.IMPORT
