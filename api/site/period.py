"""The period a page's statistics count, chosen by a link: the last days, or a month or a year of the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from api.site.feed_address import CALENDAR, FeedAddress
from api.site.feed_shown import Choice

USUAL_DAYS = 90
WORDS = {"7": "7 days", "30": "30 days", None: f"{USUAL_DAYS} days", "365": "1 year", "all": "All time"}
"""The periods up to now by their value in an address; None is not written there."""
FIRST_YEAR = 2003
"""There was no EVE before."""
Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Period:
    """From `since`, the beginning of a day (UTC), None for all time, to before `until`, None for now."""

    words: str
    since: datetime | None
    until: datetime | None = None
    calendar: str | None = None
    """Its value in an address, if it is a month or a year."""

    @classmethod
    def of(cls, days: str | None) -> Period:
        """The period of an address; what it cannot be counts as the usual one."""
        if days == "all":
            return cls(WORDS[days], None)
        if days is not None and (found := CALENDAR.fullmatch(days)) and int(found[1]) >= FIRST_YEAR:
            year, month = int(found[1]), int(found[2] or 0)
            if month:
                since, until = datetime(year, month, 1, tzinfo=UTC), _next_month(year, month)
                return cls(f"{since:%B %Y}", since, until, days)
            return cls(days, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), days)
        if days not in WORDS:
            days = None
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(WORDS[days], today - timedelta(days=int(days or USUAL_DAYS) - 1))

    @property
    def is_month(self) -> bool:
        """A month of the calendar."""
        return self.calendar is not None and "-" in self.calendar

    def before(self) -> Period | None:
        """The period of the same kind before it; None: there is none."""
        if self.since is None:
            return None
        if self.calendar is not None:
            earlier = self.since - timedelta(days=1)
            return Period.of(f"{earlier:%Y-%m}" if self.is_month else f"{earlier:%Y}")
        until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return Period(f"the {self.words} before", self.since - (until - self.since), self.since)

    def after(self) -> Period | None:
        """The month or year after it, unless it is still to come."""
        if self.calendar is None or self.until is None or self.until > datetime.now(UTC):
            return None
        return Period.of(f"{self.until:%Y-%m}" if self.is_month else f"{self.until:%Y}")


@dataclass(frozen=True, slots=True)
class Row:
    """A month or a year, and what was done in it. ISK as exact texts."""

    words: str
    address: str
    kills: int
    losses: int
    destroyed: str
    lost: str


def periods(address: FeedAddress, path: str, period: Period) -> list[Choice]:
    """The periods to choose from: up to now, then the calendar's, with those beside the chosen one."""
    choices = [Choice(words, address.but(days=days).at(path), _is(period, words)) for days, words in WORDS.items()]
    now = datetime.now(UTC)
    around = [f"{now:%Y-%m}", f"{now:%Y}"]
    if period.calendar is not None:
        beside = (period.before(), period, period.after())
        around = [one.calendar for one in beside if one is not None and one.calendar is not None]
        if period.is_month:
            around.append(period.calendar[:4])
    return choices + [
        Choice(Period.of(one).words, address.but(days=one).at(path), one == period.calendar) for one in around
    ]


def by_calendar(told: Node, period: Period, address: FeedAddress, path: str) -> list[Row]:
    """A longer period by month, the newest first; more than two years of it by year. Empty for a month or less."""
    if period.is_month or not told["daily"]:
        return []
    months = sorted({day["day"][:7] for day in told["daily"]}, reverse=True)
    if len(months) == 1:
        return []
    length = 7 if len(months) <= 24 else 4
    rows = []
    for one in sorted({month[:length] for month in months}, reverse=True):
        days = [day for day in told["daily"] if day["day"].startswith(one)]
        destroyed, lost = (sum((_isk(day[name]) for day in days), start=0) for name in ("iskDestroyed", "iskLost"))
        kills, losses = (sum(day[name] for day in days) for name in ("kills", "losses"))
        words = f"{date.fromisoformat(f'{one}-01'):%b %Y}" if length == 7 else one
        rows.append(Row(words, address.but(days=one).at(path), kills, losses, _text(destroyed), _text(lost)))
    return rows


def _isk(text: str) -> int:
    whole, _, cents = text.partition(".")
    return int(whole + cents.ljust(2, "0")[:2])


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _is(period: Period, words: str) -> bool:
    return period.calendar is None and period.words == words


def _next_month(year: int, month: int) -> datetime:
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
