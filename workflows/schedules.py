"""Calendar work: what Temporal runs once a day by itself. `killreport migrate` makes the schedules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)

from contracts.task_queues import SYNC_QUEUE
from contracts.universe import NAME_REFRESH_ID
from contracts.upkeep import DAILY_FULL_SYNC_ID, HOUSEKEEPING_ID
from contracts.values import PRICE_SNAPSHOT_ID

CATCH_UP = timedelta(hours=12)
"""A run that was missed while Temporal was away is made up for within this."""


@dataclass(frozen=True, slots=True)
class DailyWork:
    """A workflow to run each day at this time (UTC). The schedule's id is the prefix of its workflows' ids.

    `hour` None: every hour at that minute.
    """

    schedule_id: str
    workflow: str
    hour: int | None
    minute: int

    def __str__(self) -> str:
        return f"hourly at :{self.minute:02}" if self.hour is None else f"daily at {self.hour:02}:{self.minute:02} UTC"

    @property
    def schedule(self) -> Schedule:
        hours = ScheduleRange(0, 23) if self.hour is None else ScheduleRange(self.hour)
        at = ScheduleCalendarSpec(hour=[hours], minute=[ScheduleRange(self.minute)])
        return Schedule(
            action=ScheduleActionStartWorkflow(self.workflow, id=self.schedule_id, task_queue=SYNC_QUEUE),
            spec=ScheduleSpec(calendars=[at]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
        )


DAILY: tuple[DailyWork, ...] = (
    DailyWork(PRICE_SNAPSHOT_ID, "PriceSnapshot", 12, 10),  # EVE has been up again for a while
    DailyWork(NAME_REFRESH_ID, "NameRefresh", 4, 40),
    DailyWork(HOUSEKEEPING_ID, "Housekeeping", 3, 20),
    DailyWork(DAILY_FULL_SYNC_ID, "DailyFullSync", None, 5),
)
