"""Start an `ArchiveDay`, the `ArchiveHistory`, or `LiveKillmails`. Raises as `temporal/handles.py` says."""

from __future__ import annotations

from datetime import date

from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority

from contracts.archive import HISTORY_ID, DayReport, HistoryRun, archive_day_id
from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.live_killmails import LIVE_KILLMAILS_ID, LiveRun
from temporal.handles import start_or_join


async def start_archive_day(client: Client, day: date) -> WorkflowHandle[object, DayReport]:
    """Have a day of the archive looked at, or join the look that goes on."""
    return await start_or_join(
        client,
        "ArchiveDay",
        str(day),
        workflow_id=archive_day_id(day),
        priority=Priority(priority_key=PRIORITY_OF[CallClass.IMPORT], fairness_key="archive"),
        result_type=DayReport,
    )


async def start_archive_history(client: Client, *, asked: bool) -> None:
    """Have the whole archive read for those who wait. `asked`: somebody has just begun to."""
    await start_or_join(
        client,
        "ArchiveHistory",
        HistoryRun(),
        workflow_id=HISTORY_ID,
        signal="asked" if asked else None,
        priority=Priority(priority_key=PRIORITY_OF[CallClass.IMPORT], fairness_key="archive"),
    )


async def start_live_killmails(client: Client) -> None:
    """Have zKillboard's stream followed; a follower that is there goes on."""
    await start_or_join(
        client,
        "LiveKillmails",
        LiveRun(),
        workflow_id=LIVE_KILLMAILS_ID,
        priority=Priority(priority_key=PRIORITY_OF[CallClass.LIVE], fairness_key=LIVE_KILLMAILS_ID),
    )
