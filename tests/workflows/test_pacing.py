"""When everybody who waited goes on: not at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from contracts.pacing import after_downtime, after_limit

NOW = datetime(2026, 11, 24, 11, 1, tzinfo=UTC)
DICE = Random(7)  # noqa: S311 - no secret
PILOTS = range(500)


def spread(moments: list[datetime], until: datetime) -> timedelta:
    assert min(moments) > until
    return max(moments) - min(moments)


def test_after_the_daily_downtime_all_come_back_over_minutes() -> None:
    until = datetime(2026, 11, 24, 11, 15, tzinfo=UTC)
    moments = [after_downtime(until, NOW, DICE) for _ in PILOTS]
    assert timedelta(minutes=3) < spread(moments, until) <= timedelta(minutes=4)
    fullest = max(sum(start <= moment < start + timedelta(seconds=10) for moment in moments) for start in moments)
    assert fullest < len(PILOTS) / 8, "evenly"


def test_after_a_short_storm_nobody_waits_for_minutes() -> None:
    until = NOW + timedelta(seconds=10)
    assert spread([after_downtime(until, NOW, DICE) for _ in PILOTS], until) <= timedelta(seconds=5)


def test_a_limit_that_is_over_is_not_waited_for_again() -> None:
    assert after_limit(NOW - timedelta(minutes=1), NOW, DICE) <= NOW + timedelta(seconds=1)
