"""When EVE or the grant makes trouble: what the workflow does, and what it says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.errors import application_error
from contracts.sync import DiscoverKillmails, Discovery, FailureType, SyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from contracts.upkeep import WatchdogReport
from eve.errors import RedisUnreachable
from temporal.user_sync import query_status, signal_user_sync, start_or_wake
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns, failure
from tests.workflows.waiting import CHARACTER, after, ok, until


async def test_a_revoked_grant_is_not_polled_and_a_login_goes_on(temporal_client: Client, serve: Served) -> None:
    revoked = True
    stand_ins = StandIns(token=lambda _: failure(FailureType.NEEDS_LOGIN) if revoked else None)
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 1)  # a second's interval: polling would show at once
    await until(temporal_client, lambda s: s.state == SyncState.NEEDS_LOGIN)
    await signal_user_sync(temporal_client, CHARACTER, "sync_now", "impatience")
    await temporal_client.count_workflows()
    assert (await query_status(temporal_client, CHARACTER)).cycles == 1
    assert (len(stand_ins.tokens), stand_ins.looks) == (1, [])
    with pytest.raises(WorkflowUpdateFailedError):
        await temporal_client.get_workflow_handle(user_sync_id(CHARACTER)).execute_update("sync_now_and_wait")

    revoked = False
    await start_or_wake(temporal_client, CHARACTER, 1)
    await until(temporal_client, lambda s: ok(s) and s.cycles >= 3)


async def test_a_rejected_access_token_is_refreshed_once(temporal_client: Client, serve: Served) -> None:
    def discover(_: DiscoverKillmails) -> Discovery | Exception:
        return Discovery() if len(stand_ins.looks) == 2 else failure(FailureType.ACCESS_TOKEN_REJECTED)

    stand_ins = StandIns(discoveries=discover)
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, ok)
    assert [token.refresh_even_if_valid for token in stand_ins.tokens] == [False, True]

    await signal_user_sync(temporal_client, CHARACTER, "sync_now")
    await until(temporal_client, lambda s: s.state == SyncState.DEGRADED)
    assert [token.refresh_even_if_valid for token in stand_ins.tokens] == [False, True, True]
    assert len(stand_ins.looks) == 4, "rejected twice is enough for one look"


async def test_a_far_limit_is_waited_out_and_shown(temporal_client: Client, serve: Served) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=9)
    stand_ins = StandIns(discoveries=lambda _: failure(FailureType.RATE_LIMITED, ends.isoformat()))
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    status = await until(temporal_client, lambda s: s.state == SyncState.RATE_LIMITED and s.cycles == 1)
    assert status.until is not None
    assert ends < status.until < ends + timedelta(seconds=10)
    [recorded] = stand_ins.recorded
    assert (recorded.state, recorded.until) == (SyncState.RATE_LIMITED, status.until)
    # It still listens, and says why it does nothing.
    await signal_user_sync(temporal_client, CHARACTER, "pause")
    await until(temporal_client, lambda s: s.state == SyncState.PAUSED)


async def test_trouble_degrades_the_look_and_later_each_time(temporal_client: Client, serve: Served) -> None:
    stand_ins = StandIns(discoveries=lambda _: failure(FailureType.UNAVAILABLE))
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    delays = []
    for look in range(1, 7):
        status = await until(temporal_client, after(look))
        assert status.state == SyncState.DEGRADED
        assert status.next_sync_at is not None
        delays.append((status.next_sync_at - datetime.now(UTC)).total_seconds())
        await signal_user_sync(temporal_client, CHARACTER, "sync_now")
    assert delays[0] < 61
    assert delays[0] < delays[2] < delays[4] <= 901


async def test_trouble_of_our_own_is_not_said_to_be_eves(temporal_client: Client, serve: Served) -> None:
    await serve(temporal_client, StandIns(discoveries=lambda _: failure(FailureType.INFRASTRUCTURE)))
    await start_or_wake(temporal_client, CHARACTER, 900)
    status = await until(temporal_client, after(1))
    assert status.state == SyncState.INTERRUPTED
    assert status.message.startswith("This site had a problem of its own; trying again at ")


async def test_redis_that_is_away_is_not_said_to_be_eve(temporal_client: Client, serve: Served) -> None:
    away = application_error(RedisUnreachable("x"), datetime.now(UTC))
    stand_ins = StandIns(token=lambda _: away)
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    assert (await until(temporal_client, after(1))).state == SyncState.INTERRUPTED
    assert stand_ins.recorded_states == [SyncState.INTERRUPTED]
    assert len(stand_ins.tokens) > 1, "it is tried again before anybody is told"


async def test_refusals_of_esis_ask_for_no_login_however_many(temporal_client: Client, serve: Served) -> None:
    stand_ins = StandIns(discoveries=lambda _: failure(FailureType.FORBIDDEN))
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    for look in range(1, 8):
        await until(temporal_client, after(look))
        await signal_user_sync(temporal_client, CHARACTER, "sync_now")
    await until(temporal_client, after(8))
    assert set(stand_ins.recorded_states) == {SyncState.DEGRADED}


async def test_a_removed_character_ends_its_workflow(temporal_client: Client, serve: Served) -> None:
    await serve(temporal_client, StandIns(token=lambda _: failure(FailureType.REMOVED)))
    await start_or_wake(temporal_client, CHARACTER, 900)
    async with asyncio.timeout(20):
        await temporal_client.get_workflow_handle(user_sync_id(CHARACTER)).result()


async def test_a_batch_that_must_wait_leaves_the_run_open(temporal_client: Client, serve: Served) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    stand_ins = StandIns(
        discoveries=lambda _: Discovery(run_id=7, killmail_ids=[2, 1]),
        bodies=lambda _: failure(FailureType.RATE_LIMITED, later.isoformat()),
    )
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, after(1))
    assert [run.interrupted for run in stand_ins.finished] == [True]


async def test_names_that_could_not_be_had_are_asked_for_again(temporal_client: Client, serve: Served) -> None:
    first = True
    stand_ins = StandIns(
        discoveries=lambda _: Discovery(run_id=7, killmail_ids=[2, 1]) if first else Discovery(),
        names=lambda _: failure(FailureType.UNAVAILABLE) if first else None,
    )
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    status = await until(temporal_client, lambda s: ok(s) and s.cycles == 1)
    assert status.next_sync_at is not None
    assert status.next_sync_at - datetime.now(UTC) < timedelta(seconds=65), "not only at the next regular look"
    first = False
    await signal_user_sync(temporal_client, CHARACTER, "sync_now")
    await until(temporal_client, lambda s: s.cycles == 2)
    assert stand_ins.named == [[2, 1], [2, 1]]


async def test_a_first_look_that_fails_is_tried_again_soon(temporal_client: Client, serve: Served) -> None:
    stand_ins = StandIns(discoveries=lambda _: failure(FailureType.UNAVAILABLE))
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    status = await until(temporal_client, after(1))
    assert status.until is not None
    assert status.until - datetime.now(UTC) <= timedelta(seconds=10)
    [recorded] = stand_ins.recorded
    assert (recorded.state, recorded.until) == (SyncState.DEGRADED, status.until)


async def test_killmails_without_a_finder_are_fetched_though_none_can_be_named(
    temporal_client: Client, serve: Served
) -> None:
    stand_ins = StandIns(
        names=lambda _: failure(FailureType.UNAVAILABLE),
        watched=lambda: WatchdogReport(orphaned_killmail_ids=list(range(120, 0, -1))),
    )
    await serve(temporal_client, stand_ins)
    report = await temporal_client.execute_workflow(
        "Watchdog", id="watchdog", task_queue=SYNC_QUEUE, result_type=WatchdogReport
    )
    assert report.references_redriven == 120
    assert [len(batch) for batch in stand_ins.fetched] == [50, 50, 20]
