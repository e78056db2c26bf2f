"""zKillboard's stream is followed (`LiveKillmails`)."""

from __future__ import annotations

from temporalio.client import Client

from contracts.live_killmails import LIVE_KILLMAILS_ID, LiveRun, StreamOutcome, StreamReport
from contracts.sync import FailureType
from contracts.task_queues import SYNC_QUEUE
from tests.workflows.scenarios import Scenario
from tests.workflows.scripted import Scripted, limited
from tests.workflows.stand_ins import failure

FOLLOWED = StreamReport(StreamOutcome.FOLLOWED, sequence=90_000_120, read=120, wanted=3, new=2, refused={"hash": 1})


async def a_stream_with_troubles(client: Client, stand_ins: Scripted) -> str:
    """Nobody is here yet; then it is away, limits us, and lets nobody in for an hour. At last it is switched off."""
    stand_ins.answers["follow_killmail_stream"] = [
        StreamReport(StreamOutcome.NOBODY), FOLLOWED, failure(FailureType.UNAVAILABLE), limited(120),
        failure(FailureType.FORBIDDEN), FOLLOWED, StreamReport(StreamOutcome.OFF, 90_000_120),
    ]  # fmt: skip
    await client.execute_workflow("LiveKillmails", LiveRun(), id=LIVE_KILLMAILS_ID, task_queue=SYNC_QUEUE)
    return LIVE_KILLMAILS_ID


async def its_bookmark_goes_on(client: Client, stand_ins: Scripted) -> str:
    """A run that another one began: its bookmark and counts came with it."""
    stand_ins.answers["follow_killmail_stream"] = [StreamReport(StreamOutcome.OFF, 90_000_120)]
    state = LiveRun(90_000_120, failures=2, read=500, new=7)
    await client.execute_workflow("LiveKillmails", state, id=LIVE_KILLMAILS_ID, task_queue=SYNC_QUEUE)
    return LIVE_KILLMAILS_ID


LIVE_KILLMAILS = (Scenario(a_stream_with_troubles, skips_time=True), Scenario(its_bookmark_goes_on))
