"""What an activity's contract is made of: how long it may take, how often it is tried, what Temporal's UI shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Generic, TypeVar

from temporalio.common import RetryPolicy

from contracts.task_queues import SYNC_QUEUE

Takes = TypeVar("Takes")
Answers = TypeVar("Answers")

MINUTE = timedelta(minutes=1)
NO_HEARTBEAT_WITHIN = MINUTE
"""A shorter activity needs no heartbeat: its own time-out tells as soon that the worker is dead."""
HEARTBEATS_IN_TIME = 12
"""The heartbeat time-out is this part of the start-to-close time-out: 3 minutes make it 15 seconds."""

BRIEF = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.5,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=6,
)
"""Six attempts within about a minute and a half; after that the workflow decides."""
ONCE_MORE = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=2)
"""For a moment's trouble. Of whatever lasts, a short limit too, the workflow is told: it says so, and comes back."""
THROUGH_AN_OUTAGE = RetryPolicy(maximum_interval=MINUTE, maximum_attempts=65)
"""For what needs only our own database: its outage is waited for, up to an hour."""
UNTIL_CLOSED = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)
)
"""As often as the schedule-to-close time-out allows: for a turn in a queue that others are in, too."""


@dataclass(frozen=True, slots=True)
class ActivityPolicy(Generic[Takes, Answers]):
    """One activity. `schedule_to_close` bounds it however often it is tried and however long it queues."""

    name: str
    takes: type[Takes]
    answers: type[Answers]
    summary: str | Callable[[Takes], str]
    """What Temporal's UI shows, next to the activity's name."""
    queue: str = SYNC_QUEUE
    start_to_close: timedelta = timedelta(seconds=45)
    schedule_to_close: timedelta | None = 10 * MINUTE
    retries: RetryPolicy = field(default_factory=lambda: BRIEF)

    @property
    def heartbeat_timeout(self) -> timedelta | None:
        """A worker that is silent for so long is dead, and another takes over."""
        return self.start_to_close / HEARTBEATS_IN_TIME if self.start_to_close > NO_HEARTBEAT_WITHIN else None

    def summary_of(self, request: Takes) -> str:
        """What this very call is for."""
        return self.summary if isinstance(self.summary, str) else self.summary(request)


def impatient(policy: ActivityPolicy[Takes, Answers]) -> ActivityPolicy[Takes, Answers]:
    """The same for a workflow that has something better to do than to wait for it."""
    return replace(policy, retries=ONCE_MORE)
