"""How killmails come in, whoever brings them: store, appraise, give a place in the order of arrival, publish.

The sync, the import and a killmail added by its link all end here. Each step may run twice, and a process may die
between any two of them: whoever calls again with the same ids makes good what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import asyncpg
from prometheus_client import Counter, Histogram

from contracts.call_classes import CallClass
from db.intake.arrivals import Arrived, announced_among, record_arrivals
from db.intake.references import news_among, stored_among, users_on
from db.intake.sources import Brought, left_over_among
from db.intake.store import RefusedKillmail, RefusedKillmails, store_killmails
from db.values.appraisal import appraise
from live import LiveEvents

STORED_AT_ONCE = 500
"""Bodies in one statement, at most: a page of large battles is tens of megabytes."""
STORED_BYTES = 4 * 1024 * 1024
"""A statement whose bodies have grown beyond this is complete."""
STORED = Counter("killreport_killmails_stored", "Killmails stored, by who brought them.", ["by"])
REFUSED = Counter("killreport_killmails_refused", "Bodies that Postgres did not take.")
AGE = Histogram(
    "killreport_killmail_age_seconds",
    "From when a killmail happened until everybody who may see it could.",
    ["by"],
    buckets=(60, 120, 300, 600, 900, 1200, 1800, 3600, 2 * 3600, 6 * 3600, 86400, 7 * 86400, 90 * 86400),
)
ISK = Counter("killreport_killmails_isk", "What the killmails that arrived were worth, as far as priced.", ["by"])


class Bringer(StrEnum):
    """Who brings killmails, as metrics call it: a class of work, or one of these."""

    ZKILLBOARD = "zkillboard"  # a page of an import that held the bodies
    LINK = "link"  # a pilot added it by its link
    LEGACY = "legacy"  # the system before this one had it
    ARCHIVE = "archive"  # a day of the public archive held it
    STREAM = "stream"  # zKillboard's stream of new killmails held it


_BROUGHT: Mapping[CallClass | Bringer, Brought] = {
    CallClass.IMPORT: Brought.IMPORT,
    Bringer.ZKILLBOARD: Brought.IMPORT,
    Bringer.LINK: Brought.LINK,
    Bringer.LEGACY: Brought.LEGACY,
    Bringer.ARCHIVE: Brought.ARCHIVE,
    Bringer.STREAM: Brought.LIVE,
}
"""Whatever else fetches killmails was shown them by a list of ESI's, or finds what one of these left over."""

for _by in (*CallClass, *Bringer):
    for _metric in (STORED, AGE, ISK):
        _metric.labels(str(_by))  # so that the first one is seen as a rise from 0


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a batch. Ids are ascending."""

    new: list[int]
    """Stored by this call."""
    stored: list[int]
    """Those asked about that are stored by now, whoever stored them."""
    news: list[int]
    """Those that by this call got their place in the order of arrival, and that readers are told of."""
    refused: tuple[RefusedKillmail, ...]
    """Bodies that Postgres does not take, by their position."""


async def receive_killmails(
    pool: asyncpg.Pool,
    live: LiveEvents,
    bodies: Sequence[bytes],
    *,
    killmail_ids: Collection[int],
    by: CallClass | Bringer,
) -> Received:
    """Store these bodies, then appraise and announce all of `killmail_ids` that are stored.

    Args:
        bodies: as ESI sent them and `eve` has validated them; may be empty.
        killmail_ids: the whole batch, with what an earlier attempt stored: it may have died before it could
            announce that.
        by: for what they were fetched. Of a history, or left over by one, years-old killmails must not appear at the
            top of anybody's live feed: they get their place in the order of arrival in silence.

    Raises:
        redis.exceptions.RedisError: nobody was told; the killmails are stored, and another call tells.
        asyncpg.PostgresError, OSError: the database is out of order.
    """
    new: list[int] = []
    refused: list[RefusedKillmail] = []
    for start, batch in _batches(bodies):
        try:
            new += await store_killmails(pool, batch)
        except RefusedKillmails as error:
            new += error.new
            refused += [replace(one, position=start + one.position) for one in error.refused]
    stored = await stored_among(pool, killmail_ids)
    news: list[int] = []
    if stored:
        await appraise(pool, stored)
        news = await announce(pool, live, stored, by)
    STORED.labels(str(by)).inc(len(new))
    REFUSED.inc(len(refused))
    return Received(sorted(new), stored, news, tuple(refused))


async def announce(
    pool: asyncpg.Pool, live: LiveEvents, killmail_ids: Sequence[int], by: CallClass | Bringer
) -> list[int]:
    """Tell those who may see these stored killmails that they are here; which of them were not before, and are news.

    To be called after the commit.
    """
    news, source = killmail_ids, _BROUGHT.get(by, Brought.LIST)
    history = killmail_ids if is_history(by) else await left_over_among(pool, killmail_ids)
    arrived: list[Arrived] = []
    if history:
        old = set(history) - set(await news_among(pool, history))
        news = sorted(set(killmail_ids) - old)
        # Whoever fetched what was left over did not bring it: its hash tells who did.
        arrived += await record_arrivals(pool, old, silent=True, source=source if is_history(by) else None)
    if news:
        arrived += await record_arrivals(pool, news, source=source)
    for one in arrived:
        AGE.labels(str(by)).observe(one.age_seconds)
        ISK.labels(str(by)).inc(one.isk)
    if news:
        await live.killmails_stored(news, await users_on(pool, news))
    told = set(news)
    return [one.killmail_id for one in arrived if one.killmail_id in told]


async def tell_again(pool: asyncpg.Pool, live: LiveEvents, killmail_ids: Sequence[int]) -> None:
    """Those who were told of these killmails may look again: more is known of who is on them.

    What has no place in the order of arrival gets none: whoever brings it may just have stored it, and alone knows
    whether it is news.
    """
    if told := await announced_among(pool, killmail_ids):
        await live.killmails_stored(told, await users_on(pool, told))


def _batches(bodies: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """In their order, each with the position of its first."""
    start = size = 0
    for position, body in enumerate(bodies):
        size += len(body)
        if size > STORED_BYTES or position + 1 - start == STORED_AT_ONCE:
            yield start, bodies[start : position + 1]
            start, size = position + 1, 0
    if start < len(bodies):
        yield start, bodies[start:]


def is_history(by: CallClass | Bringer) -> bool:
    """Whether what is brought by it is old, so that only what happened lately is news."""
    return by is CallClass.IMPORT or isinstance(by, Bringer)
