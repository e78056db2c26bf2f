"""A look that finds nothing is one workflow task; whatever else happens in it is where operators look for it."""

from __future__ import annotations

from collections import Counter

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from contracts.sync import Discovery, FailureType, SyncState, UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns, failure, passing_failure
from tests.workflows.waiting import CHARACTER

EVENTS_OF_AN_IDLE_LOOK = 6
"""A timer that starts and ends, a workflow task of three, and a line that says what the look found."""


async def test_what_a_look_leaves_in_the_history(skipping: WorkflowEnvironment, serve: Served) -> None:
    idle, news = Discovery(listed=1, unchanged=True), Discovery(listed=2, new=1, run_id=1, killmail_ids=[2])
    answers: list[Discovery | Exception] = [failure(FailureType.REMOVED)]
    stand_ins = StandIns(discoveries=lambda _: answers.pop(0))
    await serve(skipping.client, stand_ins)

    async def looks(*told: Discovery | Exception) -> tuple[Counter[str], int]:
        """The activities that a run with these answers, and then the pilot's removal, schedules; its events."""
        answers[:] = [*told, failure(FailureType.REMOVED)]
        return await _lived(skipping.client)

    without, alone = await looks()
    idly, events = await looks(idle, idle, idle, idle)
    # The pilot's token, good for 20 minutes, is looked after by an activity that is seen, every other look.
    refreshes = idly["ensure_access_token"]
    assert 2 <= refreshes <= 4
    assert idly["discover_killmails"] == without["discover_killmails"] == 0
    # Once a run its corporation becomes searchable.
    assert events - alone == 4 * EVENTS_OF_AN_IDLE_LOOK + 6 * (refreshes - without["ensure_access_token"]) + 1

    found, _ = await looks(news)
    assert found["fetch_killmails"] == found["name_entities"] == found["finish_run"] == 1
    assert stand_ins.fetched == [[2]]

    # What another attempt may get past is tried again by an activity, what it may not is not.
    troubled, _ = await looks(passing_failure(), passing_failure(), idle)
    assert troubled["discover_killmails"] == 1
    assert not stand_ins.recorded_states, "a moment's trouble is nobody's state"
    rejected, _ = await looks(failure(FailureType.ACCESS_TOKEN_REJECTED), idle)
    assert rejected["discover_killmails"] == 1
    assert stand_ins.tokens[-2].refresh_even_if_valid or stand_ins.tokens[-1].refresh_even_if_valid
    refused, _ = await looks(failure(FailureType.FORBIDDEN), idle)
    assert stand_ins.recorded_states == [SyncState.DEGRADED]
    assert refused["discover_killmails"] == 1, "the look after one that failed is an activity"


async def _lived(client: Client) -> tuple[Counter[str], int]:
    state = UserSyncState(CHARACTER, first_sync_done=True, state=SyncState.OK, recorded_state=SyncState.OK)
    handle = await client.start_workflow("UserSync", state, id=user_sync_id(CHARACTER), task_queue=SYNC_QUEUE)
    await handle.result()
    events = (await handle.fetch_history()).events
    scheduled = (one for one in events if one.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    names = Counter(one.activity_task_scheduled_event_attributes.activity_type.name for one in scheduled)
    return names, len(events)
