"""Looks at days of the public archive (`ArchiveDay`, `ArchiveFollow`)."""

from __future__ import annotations

import asyncio

from temporalio.client import Client

from contracts.archive import HISTORY_ID, DayOutcome, DayReport, HistoryDays, HistoryRun, archive_day_id
from contracts.sync import FailureType
from contracts.task_queues import SYNC_QUEUE
from tests.workflows.scenarios import Scenario
from tests.workflows.scripted import Scripted, limited
from tests.workflows.stand_ins import failure
from tests.workflows.waiting import eventually

DAY = "2026-11-20"
READ = DayReport(DAY, DayOutcome.READ, expected=15_000, taken=14_998, wanted=40, new=30, refused={"body": 2})


async def a_day_that_must_wait(client: Client, stand_ins: Scripted) -> str:
    """The archive limits us, then is away for a moment; then the day is read."""
    stand_ins.answers["read_archive_day"] = [limited(7200), failure(FailureType.UNAVAILABLE), READ]
    await client.execute_workflow("ArchiveDay", DAY, id=archive_day_id(DAY), task_queue=SYNC_QUEUE)
    return archive_day_id(DAY)


async def fifteen_days(client: Client, stand_ins: Scripted) -> str:
    """Yesterday is read, the others have not changed."""
    stand_ins.answers["read_archive_day"] = [READ]
    await client.execute_workflow("ArchiveFollow", id="archive-follow-recorded", task_queue=SYNC_QUEUE)
    return "archive-follow-recorded"


async def no_archive(client: Client, stand_ins: Scripted) -> str:
    """One look tells that none is asked."""
    stand_ins.answers["read_archive_day"] = [DayReport(DAY, DayOutcome.OFF)]
    await client.execute_workflow("ArchiveFollow", id="archive-follow-recorded", task_queue=SYNC_QUEUE)
    return "archive-follow-recorded"


async def a_whole_history(client: Client, stand_ins: Scripted) -> str:
    """Two days; on the second, somebody else asks, and the pass begins anew."""
    held = stand_ins.held["read_archive_day"] = asyncio.Event()
    stand_ins.answers["choose_history_days"] = [
        HistoryDays(["2026-11-20", "2026-11-19"]), HistoryDays(["2026-11-18"]), HistoryDays()
    ]  # fmt: skip
    handle = await client.start_workflow(
        "ArchiveHistory", HistoryRun(), id=HISTORY_ID, task_queue=SYNC_QUEUE, start_signal="asked"
    )

    async def is_read() -> bool:
        return "read_archive_day" in stand_ins.asked

    await eventually(is_read)
    await handle.signal("asked")
    held.set()
    await handle.result()
    return HISTORY_ID


ARCHIVE_HISTORY = (Scenario(a_whole_history),)
ARCHIVE_DAY = (Scenario(a_day_that_must_wait, skips_time=True),)
ARCHIVE_FOLLOW = (Scenario(fifteen_days), Scenario(no_archive))
