"""`UserSync`: signals, troubles, restarts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowUpdateStage

from contracts.sync import (
    DiscoverKillmails,
    Discovery,
    EnsureAccessToken,
    FailureType,
    SyncState,
    SyncStatus,
    UserSyncState,
    user_sync_id,
)
from contracts.task_queues import SYNC_QUEUE
from temporal.user_sync import signal_user_sync, start_or_wake, start_user_sync
from tests.workflows.scenarios import Scenario, next_run, run_of
from tests.workflows.scripted import Scripted, downtime, limited
from tests.workflows.stand_ins import StandIns, failure, passing_failure
from tests.workflows.waiting import CHARACTER, after, eventually, ok, until

WORKFLOW_ID = user_sync_id(CHARACTER)
IDS = list(range(1000, 0, -1))


async def first_sync_and_signals(client: Client, stand_ins: StandIns) -> str:
    """A first sync of 1,000, then every signal and the update."""
    stand_ins.discoveries = lambda r: Discovery(1000, 1000, 7, IDS) if r.first else Discovery(1000, unchanged=True)
    await start_or_wake(client, CHARACTER, 900)
    await until(client, ok)
    for looks, signal in enumerate(("sync_now", "force_full_resync", "token_granted"), start=2):
        await signal_user_sync(client, CHARACTER, signal, "recorded")
        await until(client, lambda s, looks=looks: ok(s) and s.cycles == looks)  # type: ignore[misc]
    await signal_user_sync(client, CHARACTER, "pause")
    await until(client, lambda s: s.paused)
    await signal_user_sync(client, CHARACTER, "resume")
    await until(client, lambda s: ok(s) and s.cycles == 5)
    await client.get_workflow_handle(WORKFLOW_ID).execute_update("sync_now_and_wait", result_type=SyncStatus)
    return WORKFLOW_ID


async def troubles(client: Client, stand_ins: StandIns) -> str:
    """A rejected token, a spent budget, an outage, a revoked grant, a login."""
    answers: list[Discovery | Exception] = [
        failure(FailureType.ACCESS_TOKEN_REJECTED),
        Discovery(listed=2, new=2, run_id=1, killmail_ids=[2, 1]),
        limited(300),
        downtime(300),
        failure(FailureType.UNAVAILABLE),
        failure(FailureType.FORBIDDEN),
    ]
    revoked = False

    def discover(_: DiscoverKillmails) -> Discovery | Exception:
        return answers.pop(0) if answers else Discovery(unchanged=True)

    def token(_: EnsureAccessToken) -> Exception | None:
        return failure(FailureType.NEEDS_LOGIN) if revoked else None

    stand_ins.discoveries, stand_ins.token = discover, token
    stand_ins.names = lambda _: failure(FailureType.UNAVAILABLE) if answers else None
    await start_or_wake(client, CHARACTER, 900)
    await until(client, after(1))
    for looks in range(2, 7):
        await signal_user_sync(client, CHARACTER, "sync_now")
        await until(client, after(looks))
    revoked = True
    await start_or_wake(client, CHARACTER, 900)
    await until(client, lambda s: s.state == SyncState.NEEDS_LOGIN)
    revoked = False
    await start_or_wake(client, CHARACTER, 900)
    await until(client, ok)
    return WORKFLOW_ID


async def refusals(client: Client, stand_ins: StandIns) -> str:
    """Refused, withdrawn, sold, misconfigured, interrupted twice, removed.

    The history that is kept was recorded when a fifth refusal in a row meant that the permission was withdrawn.
    """
    answers: list[Discovery | Exception] = [
        *(failure(FailureType.FORBIDDEN) for _ in range(4)),
        failure(FailureType.NEEDS_LOGIN),
        failure(FailureType.OWNER_CHANGED),
        failure(FailureType.CONFIGURATION),
        Discovery(listed=3, new=3, run_id=1, killmail_ids=[3, 2, 1]),
        Discovery(listed=3, run_id=1, killmail_ids=[3, 2], unnamed_killmail_ids=[1]),
        failure(FailureType.ACCESS_TOKEN_REJECTED),
        failure(FailureType.ACCESS_TOKEN_REJECTED),
        failure(FailureType.REMOVED),
    ]
    unrecorded, unfetched = [failure(FailureType.INFRASTRUCTURE)], [limited(300)]
    stand_ins.discoveries = lambda _: answers.pop(0)
    stand_ins.recording = lambda _: unrecorded.pop() if unrecorded else None
    stand_ins.bodies = lambda _: unfetched.pop()
    await start_or_wake(client, CHARACTER, 900)
    for looks in range(1, 5):
        await until(client, after(looks))
        await signal_user_sync(client, CHARACTER, "sync_now")
    await until(client, lambda s: s.state == SyncState.NEEDS_LOGIN and s.cycles == 5)
    await start_or_wake(client, CHARACTER, 900)
    await until(client, lambda s: s.state == SyncState.OWNER_CHANGED and s.cycles == 6)
    await start_or_wake(client, CHARACTER, 900)
    await until(client, lambda s: s.state == SyncState.MISCONFIGURED and s.cycles == 7)
    await signal_user_sync(client, CHARACTER, "sync_now")
    await until(client, lambda s: s.state == SyncState.RATE_LIMITED and s.cycles == 8)
    stand_ins.bodies = StandIns.bodies
    await signal_user_sync(client, CHARACTER, "force_full_resync", at_next_look=True)
    for looks in (9, 10):
        await signal_user_sync(client, CHARACTER, "sync_now")
        await until(client, after(looks))
    await signal_user_sync(client, CHARACTER, "sync_now")
    await client.get_workflow_handle(WORKFLOW_ID).result()
    return WORKFLOW_ID


async def paused_while_it_fetches(client: Client, stand_ins: StandIns) -> str:
    """A pause half-way through a first sync; an update that waits for the look after it is answered by the pause."""
    answers = [Discovery(600, 600, 7, IDS[:600]), Discovery(600, 0, 7, IDS[400:600], unnamed_killmail_ids=IDS[:400])]
    stand_ins.discoveries = lambda _: answers.pop(0) if answers else Discovery(unchanged=True)
    stand_ins.may_fetch = asyncio.Event()
    await start_or_wake(client, CHARACTER, 900)

    async def fetching() -> bool:
        return len(stand_ins.fetched) == 8

    await eventually(fetching)
    update = await client.get_workflow_handle(WORKFLOW_ID).start_update(
        "sync_now_and_wait", wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=SyncStatus
    )
    await signal_user_sync(client, CHARACTER, "pause", "recorded")
    await update.result()
    stand_ins.may_fetch.set()
    await until(client, lambda s: s.paused and s.cycles == 1)
    await signal_user_sync(client, CHARACTER, "resume", "recorded")
    await until(client, lambda s: ok(s) and s.cycles == 2)
    return WORKFLOW_ID


async def restored(client: Client, stand_ins: StandIns) -> str:
    """Restored paused by the watchdog; then looks by the timer, as claims end and as ESI's cache expires."""
    now = datetime.now(UTC)
    soon = now + timedelta(seconds=4)
    answers = [
        Discovery(listed=1, pending_until=now),
        Discovery(unchanged=True),
        Discovery(asked=False, fresh_until=soon),
    ]
    stand_ins.discoveries = lambda _: answers.pop(0) if answers else Discovery(unchanged=True)
    state = UserSyncState(
        CHARACTER, 900, first_sync_done=True, paused=True, recorded_state=SyncState.PAUSED, next_sync_at=now
    )
    await start_user_sync(client, state, start_signal="token_granted", reason="watchdog")
    await until(client, lambda s: s.state == SyncState.PAUSED)
    await signal_user_sync(client, CHARACTER, "resume")
    await until(client, after(2))
    await signal_user_sync(client, CHARACTER, "force_full_resync")
    await until(client, after(4))
    return WORKFLOW_ID


async def a_pause_that_is_recorded_late(client: Client, stand_ins: StandIns) -> str:
    """Restored paused while the database is away; it has the pause when it is back, and the pause ends."""
    away = [failure(FailureType.INFRASTRUCTURE)] * 2
    stand_ins.recording = lambda _: away.pop() if away else None
    await start_user_sync(client, UserSyncState(CHARACTER, 2, first_sync_done=True, paused=True), reason="watchdog")

    async def recorded() -> bool:
        return len(stand_ins.recorded) == 3

    await eventually(recorded)
    await signal_user_sync(client, CHARACTER, "resume")
    await until(client, lambda s: ok(s) and s.cycles >= 1)
    return WORKFLOW_ID


async def the_rest_of_the_pages(client: Client, stand_ins: StandIns) -> str:
    """A first look that brings killmails, although some pages could not be read: back when they are due."""
    soon = datetime.now(UTC) + timedelta(seconds=4)
    answers = [
        Discovery(listed=2, new=2, run_id=1, killmail_ids=[2, 1], pending_until=soon),
        Discovery(listed=3, new=1, run_id=2, killmail_ids=[3]),
    ]
    stand_ins.discoveries = lambda _: answers.pop(0)
    await start_or_wake(client, CHARACTER, 900)
    await until(client, lambda s: ok(s) and s.cycles == 2)
    return WORKFLOW_ID


async def an_idle_pilot(client: Client, stand_ins: StandIns) -> str:
    """Half a year without a killmail: looked at daily, until there is one."""
    answers = [Discovery(unchanged=True, idle_pilots=True)] * 2
    found = Discovery(idle_pilots=True, listed=1, new=1, run_id=1, killmail_ids=[1])

    def discover(_: DiscoverKillmails) -> Discovery | Exception:
        if answers:
            return answers.pop()
        return found if len(stand_ins.looks) == 3 else failure(FailureType.REMOVED)

    now = datetime.now(UTC)
    stand_ins.discoveries, stand_ins.newest_killmail_at = discover, now
    quiet = now - timedelta(days=200)
    state = UserSyncState(
        CHARACTER, first_sync_done=True, state=SyncState.OK, last_new_killmail_at=quiet, idle_pilots=True
    )
    await client.execute_workflow("UserSync", state, id=WORKFLOW_ID, task_queue=SYNC_QUEUE)
    return WORKFLOW_ID


async def idle_looks(client: Client, stand_ins: StandIns) -> str:
    """Looks by the timer: nothing, news, a failure that passes, a rejected token, a failure that lasts, the end."""
    answers: list[Discovery | Exception] = [
        Discovery(listed=1, unchanged=True),
        Discovery(listed=2, new=1, run_id=1, killmail_ids=[2]),
        passing_failure(),
        Discovery(listed=2, unchanged=True),
        failure(FailureType.ACCESS_TOKEN_REJECTED),
        Discovery(listed=2, unchanged=True),
        failure(FailureType.FORBIDDEN),
        Discovery(listed=2, unchanged=True),
        failure(FailureType.REMOVED),
    ]
    stand_ins.discoveries = lambda _: answers.pop(0)
    state = UserSyncState(CHARACTER, first_sync_done=True, state=SyncState.OK)
    await client.execute_workflow("UserSync", state, id=WORKFLOW_ID, task_queue=SYNC_QUEUE)
    return WORKFLOW_ID


async def a_short_interval(client: Client, stand_ins: StandIns) -> str:  # noqa: ARG001 - answers as they are
    """Looks by the timer, until the workflow continued as new on the server's suggestion."""
    await start_or_wake(client, CHARACTER, 1)
    first = await run_of(client, WORKFLOW_ID)
    await next_run(client, WORKFLOW_ID, first)
    return f"{WORKFLOW_ID}/{first}"


async def continued(client: Client, stand_ins: Scripted) -> str:
    """The run after that: it began from the state of the one before."""
    await a_short_interval(client, stand_ins)
    second = await run_of(client, WORKFLOW_ID)
    looks = (await until(client, ok)).cycles
    await until(client, lambda s: ok(s) and s.cycles >= looks + 2)
    await signal_user_sync(client, CHARACTER, "pause")

    async def recorded() -> bool:
        return SyncState.PAUSED in stand_ins.recorded_states

    await eventually(recorded)
    looks = (await until(client, lambda s: s.paused)).cycles
    await signal_user_sync(client, CHARACTER, "resume")
    await until(client, lambda s: ok(s) and s.cycles > looks)
    return f"{WORKFLOW_ID}/{second}"


async def asked_for_the_current_version(client: Client, stand_ins: StandIns) -> str:
    """The signal where there is no other version: while it sleeps, and while it is paused."""
    stand_ins.discoveries = lambda _: Discovery(unchanged=True)
    await start_or_wake(client, CHARACTER, 900)
    await until(client, ok)
    await signal_user_sync(client, CHARACTER, "use_current_version", "recorded")
    await signal_user_sync(client, CHARACTER, "pause")
    await until(client, lambda s: s.paused)
    await signal_user_sync(client, CHARACTER, "use_current_version")
    await signal_user_sync(client, CHARACTER, "resume")
    await until(client, lambda s: ok(s) and s.cycles == 2)
    return WORKFLOW_ID


SCENARIOS = (
    Scenario(first_sync_and_signals),
    Scenario(asked_for_the_current_version),
    Scenario(troubles),
    Scenario(refusals),
    Scenario(paused_while_it_fetches),
    Scenario(restored),
    Scenario(a_pause_that_is_recorded_late),
    Scenario(the_rest_of_the_pages),
    Scenario(an_idle_pilot, skips_time=True),
    Scenario(idle_looks, skips_time=True),
    Scenario(a_short_interval, continues_after=80),
    Scenario(continued, continues_after=80),
)
