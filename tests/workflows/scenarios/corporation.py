"""`CorporationSync`: its first look, its days, its directors' coming and going."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from temporalio.client import Client, WorkflowUpdateStage

from contracts.corporations import CorporationSyncState, corporation_sync_id
from contracts.sync import Discovery, FailureType, SyncState, SyncStatus
from temporal.corporation_sync import signal_corporation_sync, start_corporation_sync, start_or_wake_corporation
from tests.workflows.scenarios import Scenario, next_run, run_of
from tests.workflows.scripted import Scripted, downtime, limited
from tests.workflows.stand_ins import failure
from tests.workflows.waiting import CORPORATION, after, eventually, ok, until_corporation

WORKFLOW_ID = corporation_sync_id(CORPORATION)
DISCOVER = "discover_corporation_killmails"
IDS = list(range(1000, 0, -1))


async def first_sync_and_signals(client: Client, stand_ins: Scripted) -> str:
    """A first sync of 600, an idle look, a day's killmails, a pile; then every signal and the update."""
    stand_ins.answers[DISCOVER] = [
        Discovery(600, 600, 7, IDS[:600]),
        Discovery(600, unchanged=True),
        Discovery(602, 2, 8, [1002, 1001]),
        Discovery(800, 150, 9, IDS[600:750]),
    ]
    await start_or_wake_corporation(client, CORPORATION, 900)
    for looks, signal in enumerate(("sync_now", "sync_now", "sync_now", "force_full_resync", "director_granted")):
        await until_corporation(client, lambda s, looks=looks: ok(s) and s.cycles == looks + 1)  # type: ignore[misc]
        await signal_corporation_sync(client, CORPORATION, signal, "recorded")
    await until_corporation(client, lambda s: ok(s) and s.cycles == 6)
    await signal_corporation_sync(client, CORPORATION, "pause")
    await until_corporation(client, lambda s: s.paused)
    await signal_corporation_sync(client, CORPORATION, "resume")
    await until_corporation(client, lambda s: ok(s) and s.cycles == 7)
    await client.get_workflow_handle(WORKFLOW_ID).execute_update("sync_now_and_wait", result_type=SyncStatus)
    return WORKFLOW_ID


async def troubles(client: Client, stand_ins: Scripted) -> str:
    """A spent budget, an outage, refusals, our own mistake, a batch that fails; nobody follows it any more."""
    stand_ins.answers[DISCOVER] = [
        Discovery(2, 2, 1, [2, 1]),
        limited(300),
        downtime(300),
        failure(FailureType.UNAVAILABLE),
        failure(FailureType.FORBIDDEN),
        failure(FailureType.CONFIGURATION),
        Discovery(4, 2, 2, [4, 3]),
        Discovery(4, 0, 2, [4], unnamed_killmail_ids=[3]),
        failure(FailureType.REMOVED),
    ]
    stand_ins.answers["record_corporation_state"] = [failure(FailureType.INFRASTRUCTURE)]
    unnamed, unfetched = [failure(FailureType.UNAVAILABLE)], [failure(FailureType.UNAVAILABLE)]
    stand_ins.names = lambda _: unnamed.pop() if unnamed else None
    bodies = stand_ins.bodies
    stand_ins.bodies = lambda r: unfetched.pop() if r.killmail_ids == [4, 3] and unfetched else bodies(r)
    await start_or_wake_corporation(client, CORPORATION, 900)
    for looks in range(1, 9):
        await until_corporation(client, after(looks))
        await signal_corporation_sync(client, CORPORATION, "sync_now")
    await client.get_workflow_handle(WORKFLOW_ID).result()
    return WORKFLOW_ID


async def directors(client: Client, stand_ins: Scripted) -> str:
    """The only director loses the role; a first one who comes has none either, a second one takes over."""
    nobody = failure(FailureType.NO_DIRECTOR)
    stand_ins.answers[DISCOVER] = [Discovery(1, 1, 1, [1]), nobody, nobody, Discovery(2, 1, 2, [2])]
    await start_or_wake_corporation(client, CORPORATION, 900)
    await until_corporation(client, lambda s: ok(s) and s.cycles == 1)
    await signal_corporation_sync(client, CORPORATION, "sync_now")
    await until_corporation(client, lambda s: s.state == SyncState.NO_DIRECTOR)
    await signal_corporation_sync(client, CORPORATION, "pause")
    await until_corporation(client, lambda s: s.paused)
    await start_or_wake_corporation(client, CORPORATION, 900)
    await until_corporation(client, lambda s: s.state == SyncState.PAUSED)
    await signal_corporation_sync(client, CORPORATION, "resume")
    await until_corporation(client, lambda s: s.state == SyncState.NO_DIRECTOR and s.cycles == 3)
    await start_or_wake_corporation(client, CORPORATION, 900)
    await until_corporation(client, lambda s: ok(s) and s.cycles == 4)
    return WORKFLOW_ID


async def asked_during_the_last_looks(client: Client, stand_ins: Scripted) -> str:
    """Nobody is left; a director comes while that is found out, and later somebody only waits for the answer."""
    gone = failure(FailureType.REMOVED)
    stand_ins.answers[DISCOVER] = [Discovery(1, 1, 1, [1]), gone, Discovery(unchanged=True), gone]
    await start_or_wake_corporation(client, CORPORATION, 900)
    handle = client.get_workflow_handle(WORKFLOW_ID)
    for looks, comes in ((1, True), (3, False)):
        await until_corporation(client, lambda s, looks=looks: ok(s) and s.cycles == looks)  # type: ignore[misc]
        stand_ins.held[DISCOVER] = asyncio.Event()
        await signal_corporation_sync(client, CORPORATION, "sync_now", "recorded")

        async def looking(looks: int = looks) -> bool:
            return stand_ins.asked.count(DISCOVER) == looks + 1

        await eventually(looking)
        update = await handle.start_update("sync_now_and_wait", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        if comes:
            await start_or_wake_corporation(client, CORPORATION, 900)
        stand_ins.held[DISCOVER].set()
        await update.result()
    await handle.result()
    return WORKFLOW_ID


async def paused_while_it_fetches(client: Client, stand_ins: Scripted) -> str:
    """A pause half-way through a first sync, then the rest of it."""
    stand_ins.answers[DISCOVER] = [
        Discovery(600, 600, 7, IDS[:600]),
        Discovery(600, 0, 7, IDS[400:600], unnamed_killmail_ids=IDS[:400]),
    ]
    stand_ins.may_fetch = asyncio.Event()
    await start_or_wake_corporation(client, CORPORATION, 900)

    async def fetching() -> bool:
        return len(stand_ins.fetched) == 8

    await eventually(fetching)
    await signal_corporation_sync(client, CORPORATION, "pause", "recorded")
    await until_corporation(client, lambda s: s.paused)
    stand_ins.may_fetch.set()
    await until_corporation(client, lambda s: s.paused and s.cycles == 1)
    await signal_corporation_sync(client, CORPORATION, "resume", "recorded")
    await until_corporation(client, lambda s: ok(s) and s.cycles == 2)
    return WORKFLOW_ID


async def restored(client: Client, stand_ins: Scripted) -> str:
    """Restored paused by the watchdog, resumed, and back by the timer when claims end."""
    now = datetime.now(UTC)
    stand_ins.answers[DISCOVER] = [Discovery(listed=1, pending_until=now)]
    state = CorporationSyncState(
        CORPORATION, 900, first_sync_done=True, paused=True, recorded_state=SyncState.PAUSED, next_sync_at=now
    )
    await start_corporation_sync(client, state, reason="watchdog")
    await until_corporation(client, lambda s: s.state == SyncState.PAUSED)
    await signal_corporation_sync(client, CORPORATION, "resume")
    await until_corporation(client, after(2))
    return WORKFLOW_ID


async def a_pause_that_is_recorded_late(client: Client, stand_ins: Scripted) -> str:
    """Restored paused while the database is away; it has the pause when it is back, and the pause ends."""
    stand_ins.answers["record_corporation_state"] = [failure(FailureType.INFRASTRUCTURE)] * 2
    state = CorporationSyncState(CORPORATION, 2, first_sync_done=True, paused=True)
    await start_corporation_sync(client, state, reason="watchdog")

    async def recorded() -> bool:
        return stand_ins.asked.count("record_corporation_state") == 3

    await eventually(recorded)
    await signal_corporation_sync(client, CORPORATION, "resume")
    await until_corporation(client, lambda s: ok(s) and s.cycles >= 1)
    return WORKFLOW_ID


async def a_short_interval(client: Client, stand_ins: Scripted) -> str:  # noqa: ARG001 - answers as they are
    """Looks by the timer, until the workflow continued as new on the server's suggestion."""
    await start_or_wake_corporation(client, CORPORATION, 1)
    first = await run_of(client, WORKFLOW_ID)
    await next_run(client, WORKFLOW_ID, first)
    return f"{WORKFLOW_ID}/{first}"


async def continued(client: Client, stand_ins: Scripted) -> str:
    """The run after that: it began from the state of the one before."""
    await a_short_interval(client, stand_ins)
    second = await run_of(client, WORKFLOW_ID)
    looks = (await until_corporation(client, ok)).cycles
    await until_corporation(client, lambda s: ok(s) and s.cycles >= looks + 2)
    await signal_corporation_sync(client, CORPORATION, "pause")

    async def recorded() -> bool:
        return "record_corporation_state" in stand_ins.asked

    await eventually(recorded)
    looks = (await until_corporation(client, lambda s: s.paused)).cycles
    await signal_corporation_sync(client, CORPORATION, "resume")
    await until_corporation(client, lambda s: ok(s) and s.cycles > looks)
    return f"{WORKFLOW_ID}/{second}"


async def asked_for_the_current_version(client: Client, stand_ins: Scripted) -> str:
    """The signal where there is no other version."""
    stand_ins.answers[DISCOVER] = [Discovery(unchanged=True), Discovery(unchanged=True)]
    await start_or_wake_corporation(client, CORPORATION, 900)
    await until_corporation(client, ok)
    await signal_corporation_sync(client, CORPORATION, "use_current_version", "recorded")
    await signal_corporation_sync(client, CORPORATION, "sync_now")
    await until_corporation(client, lambda s: ok(s) and s.cycles == 2)
    return WORKFLOW_ID


SCENARIOS = (
    Scenario(asked_for_the_current_version),
    Scenario(first_sync_and_signals),
    Scenario(troubles),
    Scenario(directors),
    Scenario(asked_during_the_last_looks),
    Scenario(paused_while_it_fetches),
    Scenario(restored),
    Scenario(a_pause_that_is_recorded_late),
    Scenario(a_short_interval, continues_after=60),
    Scenario(continued, continues_after=60),
)
