"""What a call of ESI is for, and so what goes first: in ESI's budget and in Temporal's task queues."""

from __future__ import annotations

from enum import StrEnum

from temporalio.common import Priority


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


def character_priority(character_id: int, key: int) -> Priority:
    """Fair among pilots."""
    return Priority(priority_key=key, fairness_key=f"character-{character_id}")


def corporation_priority(corporation_id: int, call_class: CallClass = CallClass.BACKFILL) -> Priority:
    """Fair among corporations, and unless the call is live after every pilot's own work."""
    return Priority(priority_key=PRIORITY_OF[call_class], fairness_key=f"corporation-{corporation_id}")


def naming_priority(call_class: CallClass) -> Priority:
    """Somebody may look at what came just now; nobody waits for names of what is old."""
    return Priority(priority_key=1 if call_class is CallClass.LIVE else PRIORITY_OF[call_class], fairness_key="naming")
