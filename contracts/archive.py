"""What the workflows of the public killmail archive say to their activity and callers: dates and counts only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

ARCHIVE_FOLLOW_ID = "archive-follow"
"""Id of the Temporal Schedule that runs `ArchiveFollow` daily, and the prefix of its workflow ids."""
FIRST_DAY = date(2007, 12, 5)
"""The archive's first; EVE published no killmails before."""
HISTORY_ID = "archive-history"
"""Workflow id of `ArchiveHistory`: one pass serves everybody who waits."""
LOOK_BACK_DAYS = 14
"""Yesterday, and as many days before it as are written anew most often."""


def archive_day_id(day: date | str) -> str:
    """Workflow id of `ArchiveDay`: one at a time of each day."""
    return f"archive-{day}"


class DayOutcome(StrEnum):
    """What came of a look at a day."""

    READ = "read"
    UNCHANGED = "unchanged"  # since it was read for everybody who is here
    MISSING = "missing"  # the archive has no such day, or not yet
    NOBODY = "nobody"  # is here whose killmails could be wanted; nothing was asked
    OFF = "off"  # there is no archive to ask


@dataclass
class ReadArchiveDay:
    """Input of `read_archive_day`. `since`: what came here since then is this look's work."""

    day: str  # ISO date, UTC
    since: datetime


@dataclass
class DayReport:
    """A look at a day. `expected` None: the archive does not say how many killmails it has."""

    day: str
    outcome: DayOutcome
    expected: int | None = None
    taken: int = 0  # killmails in it
    wanted: int = 0  # of these, with somebody of ours
    new: int = 0  # of these, that were not here before
    refused: dict[str, int] = field(default_factory=dict)  # what was not taken, by reason

    @property
    def whole(self) -> bool:
        """Nothing was refused, and no fewer came than the archive counts."""
        return not self.refused and self.taken >= (self.expected or 0)


@dataclass
class FollowReport:
    """A run of `ArchiveFollow`: days by `DayOutcome`, what they brought, and whether it got through them all."""

    days: dict[str, int] = field(default_factory=dict)
    new: int = 0
    refused: int = 0
    complete: bool = True


@dataclass
class HistoryRun:
    """Input of `ArchiveHistory`: read are all days from `before` on; None: none yet. `begun_at`: of the pass (UTC)."""

    before: str | None = None
    begun_at: datetime | None = None
    new: int = 0


@dataclass
class ChooseHistoryDays:
    """Input of `choose_history_days`: days before this one, for those who asked before the pass began."""

    before: str | None
    begun_at: datetime


@dataclass
class HistoryDays:
    """Days to be read, newest first. None: the pass is over."""

    days: list[str] = field(default_factory=list)


def day_sentence(report: DayReport) -> str:
    """A look at a day, for people."""
    if report.outcome is not DayOutcome.READ:
        return f"{report.day}: {_OUTCOMES[report.outcome]}."
    counted = "" if report.expected is None else f" of {report.expected:,}"
    refused = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.refused.items()))
    told = f"{report.day}: {report.taken:,}{counted} killmails read, {report.wanted:,} involving pilots or corporations"
    return f"{told} here, {report.new:,} new{f'; refused: {refused}' if refused else ''}."


_OUTCOMES = {
    DayOutcome.UNCHANGED: "unchanged since it was read",
    DayOutcome.MISSING: "not in the archive",
    DayOutcome.NOBODY: "nobody is here whose killmails could be on it",
    DayOutcome.OFF: "no archive is asked (ARCHIVE_URL)",
}
