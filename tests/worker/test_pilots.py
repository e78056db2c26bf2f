"""The whole worker process against the sandbox EVE: from a grant to stored, named killmails, and on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus

from contracts.sync import SyncAction, SyncState, user_sync_id
from contracts.upkeep import WATCHDOG_ID
from db.syncs.status import characters
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.schedules import has_watchdog
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in
from tests.stored import count, stored
from tests.workflows.waiting import eventually, ok, until
from worker_main import run_worker

LIST = "/characters/{character_id}/killmails/recent"


async def look_again(client: Client, character_id: int) -> None:
    """A whole look that begins now. (The worker's first watchdog run may have asked for one of its own.)"""
    await client.get_workflow_handle(user_sync_id(character_id)).execute_update("sync_now_and_wait")


@pytest.fixture
def eve_options() -> SandboxOptions:
    """A history of several batches."""
    return SandboxOptions(strangers=60)


@pytest.mark.usefixtures("worker")
async def test_a_first_sync_is_complete_and_goes_on(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0].character_id
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    listed = set(eve.listed_killmail_ids(pilot))
    assert await stored(pool) == listed
    assert len(listed) == 150
    assert await count(pool, "entities WHERE name IS NULL") == 0
    assert await count(pool, "entities") > 100
    assert await count(pool, "killmails k LEFT JOIN solar_systems s USING (solar_system_id) WHERE s IS NULL") == 0
    mistakes = [(record.route, record.status) for record in eve.requests if 400 <= record.status < 500]
    assert mistakes == []

    async def described() -> bool:
        return await count(pool, "details_wanted") == 0 and await count(pool, "regions") > 0

    await eventually(described)  # in its own time, and of no concern to the sync

    # ESI's cache of the list has passed: one 304.
    await pool.execute("UPDATE users SET killmail_list_fresh_until = now()")
    asked = len(eve.requests)
    await look_again(client, pilot)
    since = {(record.route, record.status) for record in eve.requests[asked:]}
    assert since - {("/markets/prices", 200)} == {(LIST, 304)}, "prices come when they come"

    new = eve.add_killmail(pilot)
    eve.expire_lists()
    await pool.execute("UPDATE users SET killmail_list_fresh_until = now()")
    await look_again(client, pilot)
    assert await stored(pool) == listed | {new.killmail_id}


@pytest.mark.usefixtures("worker")
async def test_a_killmail_two_users_share_is_fetched_once(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilots = [pilot.character_id for pilot in eve.pilots[:4]]
    for pilot in pilots:
        await log_in(settings, pool, pilot)
    await asyncio.gather(*(start_or_wake(client, pilot, 900) for pilot in pilots))
    for pilot in pilots:
        await until(client, ok, pilot)
    listed = {killmail_id for pilot in pilots for killmail_id in eve.listed_killmail_ids(pilot)}

    async def all_here() -> bool:
        return await stored(pool) == listed

    await eventually(all_here)
    bodies = [record.path for record in eve.requests if record.route.startswith("/killmails/")]
    assert len(bodies) == len(set(bodies)) == len(listed)


@pytest.mark.usefixtures("worker")
async def test_a_revoked_grant_and_a_new_owner(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    revoked, sold = eve.pilots[1].character_id, eve.pilots[2].character_id
    for pilot in (revoked, sold):
        await log_in(settings, pool, pilot)
    eve.revoke(revoked)
    eve.transfer(sold)
    await pool.execute("UPDATE users SET expires_at = now()")
    for pilot, state in ((revoked, SyncState.NEEDS_LOGIN), (sold, SyncState.OWNER_CHANGED)):
        await start_or_wake(client, pilot, 900)
        await until(client, lambda s, state=state: s.state == state, pilot)  # type: ignore[misc]
        user = await pool.fetchrow("SELECT * FROM users WHERE character_id = $1", pilot)
        assert user is not None
        assert (user["access_token"], user["refresh_token"], user["sync_state"]) == (None, None, str(state))
    assert eve.requests_of(LIST) == []


@pytest.mark.usefixtures("worker")
async def test_faults_on_the_way_lose_nothing_and_no_history_knows_a_secret(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0].character_id
    await log_in(settings, pool, pilot)
    eve.add_fault("status", route="/killmails/{killmail_id}/{killmail_hash}", rate=0.1, status=502)
    eve.add_fault("truncated", route="/universe/names", count=1)
    eve.add_fault("status", route=LIST, count=1, status=503)
    await start_or_wake(client, pilot, 900)

    async def most_are_here() -> bool:
        return await count(pool, "killmails") >= 100

    await eventually(most_are_here)
    eve.remove_faults()

    async def all_are_here() -> bool:
        await pool.execute(
            "UPDATE killmail_refs SET next_attempt_at = now() WHERE killmail_id IN (SELECT killmail_id"
            " FROM killmail_refs WHERE next_attempt_at IS NOT NULL ORDER BY killmail_id FOR UPDATE)"
        )
        await signal_user_sync(client, pilot, "sync_now")
        return await stored(pool) == set(eve.listed_killmail_ids(pilot))

    await eventually(all_are_here)
    history = (await client.get_workflow_handle(user_sync_id(pilot)).fetch_history()).to_json()
    secrets = eve.issued_access_tokens() | eve.issued_refresh_tokens()
    secrets |= {reference.killmail_hash for reference in eve.references(pilot)}
    assert secrets
    assert not [secret for secret in secrets if secret in history]


@pytest.mark.usefixtures("worker")
async def test_a_pilot_whose_first_look_fails_reads_so_and_when_it_is_tried_again(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contracts.pacing.FIRST_LOOK_RETRY_SECONDS", 3)
    pilot = eve.pilots[0].character_id
    await log_in(settings, pool, pilot)
    eve.add_fault("status", route=LIST, status=503)
    began = datetime.now(UTC)
    await start_or_wake(client, pilot, 900)

    async def page_says_so() -> bool:
        [shown] = await characters(pool, [pilot], settings.sync_interval_seconds)
        return shown.status.state == SyncState.DEGRADED

    await eventually(page_says_so)
    [shown] = await characters(pool, [pilot], settings.sync_interval_seconds)
    assert shown.status.until is not None
    assert shown.status.until - began < timedelta(seconds=30), "after two attempts, not after a minute and a half"
    assert "EVE" in shown.status.message
    assert f"{shown.status.until:%H:%M:%S}" in shown.status.message
    assert shown.status.action == SyncAction.SYNC_NOW
    metadata = await client.get_workflow_handle(user_sync_id(pilot)).query("__temporal_workflow_metadata")
    assert "EVE" in metadata.current_details

    eve.remove_faults()
    await until(client, ok, pilot)
    assert await stored(pool) == set(eve.listed_killmail_ids(pilot))


@pytest.mark.usefixtures("soon_again", "worker")
async def test_a_pause_that_postgres_could_not_take_is_shown_once_it_can(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contracts.pacing.FIRST_RETRY_SECONDS", 2)
    pilot = eve.pilots[1].character_id
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    await pool.execute("ALTER TABLE users ADD CONSTRAINT takes_no_pause CHECK (sync_state <> 'paused')")
    await signal_user_sync(client, pilot, "pause", "before work on the database")
    handle = client.get_workflow_handle(user_sync_id(pilot))

    async def could_not_be_recorded() -> bool:
        history = await handle.fetch_history()
        return any(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED for event in history.events)

    await eventually(could_not_be_recorded)
    await pool.execute("ALTER TABLE users DROP CONSTRAINT takes_no_pause")

    async def page_says_so() -> bool:
        [shown] = await characters(pool, [pilot], settings.sync_interval_seconds)
        return (shown.status.state, shown.status.action) == (SyncState.PAUSED, SyncAction.RESUME)

    await eventually(page_says_so)


@pytest.mark.usefixtures("worker")
async def test_a_list_of_killmails_that_eve_cannot_give_ends_the_first_sync(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[1].character_id
    listed = len(eve.listed_killmail_ids(pilot))
    await log_in(settings, pool, pilot)
    eve.add_fault("status", route="/killmails/{killmail_id}/{killmail_hash}", status=422)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    [shown] = await characters(pool, [pilot], settings.sync_interval_seconds)
    assert shown.last_run is not None
    assert (shown.last_run.stored, shown.last_run.pending + shown.last_run.failed) == (0, listed)


async def test_a_temporal_that_has_lost_its_data_is_prepared_again(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    start_worker: StartWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker_main.SCHEDULES_EVERY_SECONDS", 0.5)
    await start_worker()
    pilot = eve.pilots[1].character_id
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    lost = client.get_workflow_handle(user_sync_id(pilot))
    await lost.terminate("as if it had never been")

    async def is_gone() -> bool:
        return (await client.count_workflows('WorkflowType="UserSync" AND ExecutionStatus="Running"')).count == 0

    await eventually(is_gone)
    await client.get_schedule_handle(WATCHDOG_ID).delete()

    async def runs_again() -> bool:
        return (await lost.describe()).status == WorkflowExecutionStatus.RUNNING

    await eventually(runs_again)
    assert await has_watchdog(client)


async def test_a_worker_waits_for_temporal(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()
    nobody = settings.model_copy(update={"temporal_address": "127.0.0.1:1"})
    task = asyncio.create_task(run_worker(nobody, stop))

    async def said_so() -> bool:
        return "Temporal at 127.0.0.1:1 cannot be reached" in caplog.text

    await eventually(said_so)
    assert not task.done()
    stop.set()
    await asyncio.wait_for(task, 10)
