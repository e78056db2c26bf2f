"""The period a page's statistics count, chosen by a link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.site.feed_address import FeedAddress
from api.site.feed_shown import Choice

USUAL_DAYS = 90
WORDS = {"7": "7 days", "30": "30 days", None: f"{USUAL_DAYS} days", "365": "1 year", "all": "All time"}
"""The periods by their value in an address; None is not written there."""


@dataclass(frozen=True, slots=True)
class Period:
    """`since`: the beginning of its first day (UTC), None for all time."""

    words: str
    since: datetime | None

    @classmethod
    def of(cls, days: str | None) -> Period:
        """The period of an address, ending now."""
        if days == "all":
            return cls(WORDS[days], None)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(WORDS[days], today - timedelta(days=int(days or USUAL_DAYS) - 1))


def periods(address: FeedAddress, path: str) -> list[Choice]:
    """The periods to choose from."""
    return [Choice(words, address.but(days=days).at(path), address.days == days) for days, words in WORDS.items()]
