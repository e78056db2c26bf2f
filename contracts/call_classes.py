"""What a call of ESI is for, and so what goes first: in ESI's budget and in Temporal's task queues."""

from __future__ import annotations

from enum import StrEnum


class CallClass(StrEnum):
    """What an ESI call is for; each class may spend a bucket down to its own reserve (`eve/esi/budget.py`)."""

    LIVE = "live"  # routine looks, and what a person waits for
    FIRST_SYNC = "first_sync"
    BACKFILL = "backfill"  # a corporation's history, killmails without a finder
    IMPORT = "import"  # zKillboard's history
    REFRESH = "refresh"  # what is known already, asked again because it aged


PRIORITY_OF = {
    CallClass.FIRST_SYNC: 1,
    CallClass.LIVE: 2,
    CallClass.BACKFILL: 4,
    CallClass.IMPORT: 5,
    CallClass.REFRESH: 5,
}
"""`Priority.priority_key` of the work of a class: who goes next in a task queue. What a person waits for goes at 1."""
