"""What calendar work on users and old rows says: ids of its schedules, counts of what it did.

Passed through the workflow sandbox, like `workflows/contracts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

DAILY_FULL_SYNC_ID = "daily-full-sync"
"""Id of the Temporal Schedule that runs `DailyFullSync` every hour, and the prefix of its workflow ids."""
HOUSEKEEPING_ID = "housekeeping"
"""Id of the Temporal Schedule that runs `Housekeeping` daily, and the prefix of its workflow ids."""


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
    done: bool = True
