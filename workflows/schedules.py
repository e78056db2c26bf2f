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

from workflows.contracts import SYNC_QUEUE
from workflows.value_contracts import PRICE_SNAPSHOT_ID

CATCH_UP = timedelta(hours=12)
"""A run that was missed while Temporal was away is made up for within this."""


@dataclass(frozen=True, slots=True)
class DailyWork:
    """A workflow to run each day at this time (UTC). The schedule's id is the prefix of its workflows' ids."""

    schedule_id: str
    workflow: str
    hour: int
    minute: int

    @property
    def schedule(self) -> Schedule:
        at = ScheduleCalendarSpec(hour=[ScheduleRange(self.hour)], minute=[ScheduleRange(self.minute)])
        return Schedule(
            action=ScheduleActionStartWorkflow(self.workflow, id=self.schedule_id, task_queue=SYNC_QUEUE),
            spec=ScheduleSpec(calendars=[at]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
        )


DAILY: tuple[DailyWork, ...] = (
    DailyWork(PRICE_SNAPSHOT_ID, "PriceSnapshot", 12, 10),  # EVE has been up again for a while
)
