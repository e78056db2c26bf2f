"""When to look again: spread over the interval, later after each failure. Pure; times are UTC."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

JITTER = 0.05
"""Each interval is this fraction longer or shorter, so that users who once met drift apart."""
FIRST_RETRY_SECONDS = 60
"""Delay after the first failed look; doubled for each further one, up to the interval."""
FIRST_LOOK_RETRY_SECONDS = 10
"""The same where no look has succeeded yet: a pilot sits in front of the page and waits."""
LIMIT_SPREAD_SECONDS = 1.0
"""After a spent budget; the account of the budget has told everybody another moment (`eve/esi/budget.py`)."""
DOWNTIME_SPREAD_SECONDS = (5.0, 240.0)
"""Least and most over which everybody comes back after EVE was away: half as long as it was, within these."""


@dataclass(frozen=True, slots=True)
class IdleStep:
    """Who has had no new killmail for `quiet` is looked at `every` so often; `words` says it to the pilot."""

    quiet: timedelta
    every: timedelta
    words: str


LONGEST_USUAL_LOOK = 4 / 3 + 2 * JITTER
"""No usual look comes later than so many intervals: the second one may take four thirds of one (`second_look`)."""
IDLE_STEPS = (
    IdleStep(timedelta(days=91), timedelta(days=1), "once a day"),
    IdleStep(timedelta(days=30), timedelta(hours=6), "every six hours"),
    IdleStep(timedelta(days=7), timedelta(hours=1), "every hour"),
)
"""The longest silence first. Only where the setting IDLE_PILOTS is on."""


def idle_step(active_at: datetime | None, interval_seconds: int, now: datetime) -> IdleStep | None:
    """The step of a pilot who was last active then (a killmail, a login, a sync asked for); None: the usual pace."""
    if active_at is None:
        return None
    return next((step for step in _rarer_than(interval_seconds) if now - active_at >= step.quiet), None)


def shown_idle_step(last_look: datetime | None, next_look: datetime | None, interval_seconds: int) -> IdleStep | None:
    """The step that two looks so far apart tell of; for readers who see only these."""
    if last_look is None or next_look is None:
        return None
    apart = next_look - last_look
    if apart <= timedelta(seconds=interval_seconds * LONGEST_USUAL_LOOK):
        return None
    return next((step for step in _rarer_than(interval_seconds) if apart >= step.every * (1 - 2 * JITTER)), None)


def _rarer_than(interval_seconds: int) -> list[IdleStep]:
    """Nobody is looked at more often for being idle."""
    return [step for step in IDLE_STEPS if step.every > timedelta(seconds=interval_seconds)]


def second_look(character_id: int, interval_seconds: int, now: datetime) -> datetime:
    """When a character is looked at after its first sync: its own place in the interval, for ever.

    A third of the interval comes first, so that ESI's cache of the list (300 s of our 900) has expired.
    """
    place = zlib.crc32(str(character_id).encode()) % max(interval_seconds, 1)
    return now + timedelta(seconds=interval_seconds / 3 + place)


def restored_look(subject_id: int, window_seconds: float, now: datetime) -> datetime:
    """When a sync that was lost is looked at again: its own place in a window that begins again and again.

    So however long it takes to start them all, and whoever is started twice, the looks lie evenly.
    """
    place = zlib.crc32(f"restored {subject_id}".encode()) / 2**32 * window_seconds
    return now + timedelta(seconds=(place - now.timestamp()) % window_seconds)


def next_look(interval_seconds: float, now: datetime, random: Random) -> datetime:
    """One interval from now, give or take `JITTER`."""
    return now + timedelta(seconds=interval_seconds * random.uniform(1 - JITTER, 1 + JITTER))


def retry_after_failures(
    failures_in_a_row: int, interval_seconds: int, now: datetime, random: Random, *, first_look: bool = False
) -> datetime:
    """When to look again after so many failures; never later than an ordinary look would be."""
    delay = (FIRST_LOOK_RETRY_SECONDS if first_look else FIRST_RETRY_SECONDS) * 2 ** min(failures_in_a_row - 1, 10)
    return now + timedelta(seconds=min(interval_seconds, delay) * random.uniform(0.8, 1))


def after_limit(until: datetime, now: datetime, random: Random) -> datetime:
    """When to go on after a spent budget that holds something again at `until`."""
    return max(until, now) + timedelta(seconds=random.uniform(0.1, LIMIT_SPREAD_SECONDS))


def after_downtime(until: datetime, now: datetime, random: Random) -> datetime:
    """When to go on after a downtime or storm of failures that ends at `until`, which everybody has waited for."""
    least, most = DOWNTIME_SPREAD_SECONDS
    spread = min(most, max(least, (until - now).total_seconds() / 2))
    return max(until, now) + timedelta(seconds=random.uniform(0.1, spread))
