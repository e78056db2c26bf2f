"""What looks after the rest: the watchdog, calendar work on users and old rows, characters that leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

DAILY_FULL_SYNC_ID = "daily-full-sync"
"""Id of the Temporal Schedule that runs `DailyFullSync` every hour, and the prefix of its workflow ids."""
HOUSEKEEPING_ID = "housekeeping"
"""Id of the Temporal Schedule that runs `Housekeeping` daily, and the prefix of its workflow ids."""

SUMS_ID = "sums"
"""Id of the Temporal Schedule that runs `Sums` every hour, and the prefix of its workflow ids."""


@dataclass
class FullSyncsAsked:
    """Users whose hour had come, and how many of their workflows were told. The rest comes next hour."""

    due: int = 0
    asked: int = 0


@dataclass
class Housekept:
    """Rows that had grown too old and were deleted; `done` False: there are more."""

    sync_runs: int = 0
    login_events: int = 0
    sessions: int = 0
    login_attempts: int = 0
    webhook_deliveries: int = 0
    done: bool = True


@dataclass
class SumsBuilt:
    """Of how many subjects there are sums, and of how many they are whole."""

    subjects: int = 0
    finished: int = 0

    @property
    def done(self) -> bool:
        """All are whole."""
        return self.finished >= self.subjects


@dataclass
class WatchdogReport:
    """What the watchdog found and mended."""

    users: int = 0
    started: int = 0
    woken: int = 0
    references_redriven: int = 0
    wedged: int = 0  # workflows whose code fails again and again: an operator must look
    orphaned_killmail_ids: list[int] = field(default_factory=list)  # to fetch here: their finder has gone
    # How many workflows seem to be lost, by the counts. None: as many run as should, and nobody is looked for.
    lost_pilots: int | None = None
    lost_corporations: int | None = None


@dataclass
class RestoreSyncs:
    """Input of `restore_syncs`: the pilots (or corporations) above `after_id`, a page of them."""

    after_id: int = 0
    corporations: bool = False
    lost: int = 0  # by the counts, of all pages; over so many the first looks are spread


@dataclass
class RestoredSyncs:
    """How many of a page were started, and where the next page begins; None: it was the last."""

    started: int = 0
    after_id: int | None = None


@dataclass
class WatchdogProgress:
    """What a run of `Watchdog` hands to the next through continue-as-new: its report so far, and the next page."""

    report: WatchdogReport
    page: RestoreSyncs


LATE_AFTER_INTERVALS = 3
"""A user whose last sync is older than this many intervals is late."""
WATCHDOG_ID = "watchdog"
"""Id of the Temporal Schedule that runs `Watchdog`, and the prefix of its workflow ids."""
WATCHDOG_EVERY = timedelta(minutes=5)


@dataclass
class LeavingCharacter:
    """Input of `Departure` and of `finish_departure`. What is to be done stands in the database."""

    character_id: int


def departure_id(character_id: int) -> str:
    """Workflow id of a character's `Departure`."""
    return f"departure-{character_id}"
