"""When a digest is due: once a day or a week at an hour of EVE time, for the day or the week that ends then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Every(StrEnum):
    """How often."""

    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`hour`: 0 to 23, UTC. `weekday`: 1 is Monday, as in ISO 8601; of a weekly one alone."""

    every: Every
    hour: int
    weekday: int | None = None
    even_if_empty: bool = False

    @property
    def is_sound(self) -> bool:
        """Every number is in its bounds."""
        weekday = self.weekday is None if self.every is Every.DAY else self.weekday in range(1, 8)
        return 0 <= self.hour <= 23 and weekday

    @property
    def period(self) -> timedelta:
        """What one edition tells of."""
        return timedelta(days=1 if self.every is Every.DAY else 7)

    @property
    def lateness(self) -> timedelta:
        """So late it is still sent; later, it is left out."""
        return timedelta(hours=12) if self.every is Every.DAY else timedelta(days=3)

    def next_after(self, moment: datetime) -> datetime:
        """The first time after then at which an edition is due. In UTC, as `moment` must be."""
        found = moment.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        if self.weekday is not None:
            found += timedelta(days=(self.weekday - found.isoweekday()) % 7)
        return found if found > moment else found + self.period
