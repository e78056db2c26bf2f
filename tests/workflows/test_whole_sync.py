"""Workflow, activities and database together; only EVE is a stand-in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import asyncpg
import pytest
from cryptography.fernet import Fernet
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from activities.services import Services
from activities.watch import Watch
from activities.webhook_target import WebhookTargets
from activities.webhooks import WebhookBell
from contracts.sync import SyncState, user_sync_id
from contracts.universe import ENRICHMENT_ID
from contracts.upkeep import WatchdogReport
from db.accounts.vault import TokenVault
from db.intake.store import store_killmails
from db.pool import open_pool
from eve.archive.client import KillmailArchive, MarketArchive
from eve.errors import InvalidHash, TokenRevoked
from eve.esi.killmail_list import KillmailWalk, PageSeen
from eve.static_builds import StaticBuilds
from eve.zkillboard.stream import KillmailStream
from settings import Settings
from temporal.schedules import trigger_watchdog
from temporal.universe import wake_enrichment
from temporal.user_sync import query_status, signal_user_sync, start_or_wake
from tests.activities.stand_in_eve import ENEMY, PILOT, World
from tests.db.bodies import body, raw
from tests.workflows.waiting import eventually, ok, until
from worker_main import activities_by_queue, queue_worker


@pytest.fixture
async def world(settings: Settings, database_url: str, temporal_client: Client) -> AsyncIterator[World]:
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await open_pool(database_url, max_size=20))
        world = World(pool, TokenVault([Fernet.generate_key().decode()]))
        archive, stream = cast(KillmailArchive, None), cast(KillmailStream, None)  # nothing here asks them
        services = Services(
            pool,
            temporal_client,
            world.esi,
            world.sso,
            world.vault,
            world.live,
            world.zkillboard,
            archive,
            stream,
            cast(MarketArchive, None),
            cast(StaticBuilds, None),
            world.tokens,
            await stack.enter_async_context(WebhookTargets(settings)),
        )
        for queue, activities in activities_by_queue(services, settings).items():
            await stack.enter_async_context(queue_worker(temporal_client, queue, activities))
        yield world


async def count(pool: asyncpg.Pool, what: str) -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM {what}"))  # noqa: S608


async def events(client: Client) -> list[int]:
    handle = client.get_workflow_handle(user_sync_id(PILOT))
    return [event.event_type async for event in handle.fetch_history_events()]


async def test_from_login_to_a_named_feed_and_an_idle_look(world: World, temporal_client: Client) -> None:
    await world.login()
    world.esi.happens(*range(1, 151))
    await start_or_wake(temporal_client, PILOT, 900)
    status = await until(temporal_client, ok)
    assert (status.last_listed, status.last_new) == (150, 150)
    assert await count(world.pool, "killmails") == 150
    assert await count(world.pool, "killmail_refs WHERE stored_at IS NULL") == 0
    assert await count(world.pool, "entities WHERE name IS NOT NULL") > 0
    assert await count(world.pool, "solar_systems") == 1
    run = await world.pool.fetchrow("SELECT * FROM sync_runs")
    assert run is not None
    assert (run["kind"], run["new"], run["stored"], run["pending"], run["failed"]) == ("first", 150, 150, 0, 0)
    assert run["finished_at"] is not None
    user = await world.user()
    assert (user["sync_state"], user["first_synced_at"] is not None) == ("ok", True)

    world.esi.requests.clear()
    before = await events(temporal_client)
    await signal_user_sync(temporal_client, PILOT, "sync_now")
    await until(temporal_client, lambda s: ok(s) and s.cycles == 2)
    assert world.esi.requests == ["list"]

    async def sleeps_again() -> bool:
        return (await events(temporal_client))[len(before) :].count(EventType.EVENT_TYPE_TIMER_STARTED) == 1

    await eventually(sleeps_again)
    idle = (await events(temporal_client))[len(before) :]
    assert idle.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 1
    assert len(idle) <= 13, "a timer and an activity, and what belongs to them"
    assert await count(world.pool, "sync_runs") == 1


async def test_one_bad_killmail_does_not_hold_up_the_others(world: World, temporal_client: Client) -> None:
    await world.login()
    world.esi.happens(1, 2, 3)
    world.esi.bodies[2] = InvalidHash("no")
    await start_or_wake(temporal_client, PILOT, 900)
    status = await until(temporal_client, ok)
    assert await count(world.pool, "killmails") == 2
    assert await world.pool.fetchval("SELECT pending FROM sync_runs") == 1
    due = (await world.reference(2))["next_attempt_at"]
    assert status.next_sync_at is not None
    assert timedelta(0) < status.next_sync_at - due < timedelta(seconds=3) or status.next_sync_at < due


async def test_pages_that_esi_failed_to_give_come_though_the_others_brought_killmails(
    world: World, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.login()
    world.esi.happens(1, 2)
    whole = world.esi.character_killmails

    async def without_page_two(*asked: Any) -> KillmailWalk:
        walk = await whole(*asked)
        if world.esi.requests.count("list") == 1:
            walk.refs, walk.pages = walk.refs[:1], {1: PageSeen("page one", 1, (1,))}
            walk.rest_due_at = datetime.now(UTC) + timedelta(seconds=2)
        return walk

    monkeypatch.setattr(world.esi, "character_killmails", without_page_two)
    await start_or_wake(temporal_client, PILOT, 900)
    await until(temporal_client, lambda s: ok(s) and s.cycles == 2)  # the next regular look is in five minutes
    assert await count(world.pool, "killmails") == 2


async def test_a_revoked_grant_shows_on_the_page_and_a_login_mends_it(world: World, temporal_client: Client) -> None:
    await world.login(seconds=-5)
    world.esi.happens(1)
    world.sso.failure = TokenRevoked("gone")
    await start_or_wake(temporal_client, PILOT, 900)
    await until(temporal_client, lambda s: s.state == SyncState.NEEDS_LOGIN)
    assert (await world.user())["sync_state"] == "needs_login"
    world.sso.failure = None
    await world.login()
    await start_or_wake(temporal_client, PILOT, 900)
    await until(temporal_client, ok)
    assert (await world.user())["sync_state"] == "ok"
    assert await count(world.pool, "killmails") == 1


async def test_names_that_esi_would_not_give_come_with_the_next_look(world: World, temporal_client: Client) -> None:
    await world.login()
    world.esi.happens(1)
    world.esi.names_failure = TokenRevoked("stands for any failure that is not retried")
    await start_or_wake(temporal_client, PILOT, 900)
    await until(temporal_client, ok)
    assert await count(world.pool, "entities WHERE name IS NOT NULL") == 0
    world.esi.names_failure = None
    await signal_user_sync(temporal_client, PILOT, "sync_now")
    await until(temporal_client, lambda s: ok(s) and s.cycles == 2)
    assert await count(world.pool, "entities WHERE name IS NOT NULL") > 0


async def watch(world: World, client: Client) -> WatchdogReport:
    bell = WebhookBell(world.pool, client)
    wake = partial(wake_enrichment, client)
    report = await world.run(Watch(world.pool, client, 900, bell.ring_who_is_behind, wake).watch_users)
    assert isinstance(report, WatchdogReport)
    report.lost_pilots = report.lost_corporations = None  # once an hour it is compared, whatever the counts say
    return report


async def test_what_another_region_sent_gets_its_place_and_is_looked_up(world: World, temporal_client: Client) -> None:
    await store_killmails(world.pool, [raw(body(7))])
    await world.pool.execute("UPDATE killmails SET created_at = now() - interval '11 minutes'")
    await watch(world, temporal_client)
    assert await count(world.pool, "killmail_arrivals") == 1
    assert await count(world.pool, "killmails WHERE solo IS NOT NULL") == 1
    await temporal_client.get_workflow_handle(ENRICHMENT_ID).describe()  # it was begun


@pytest.mark.usefixtures("watchdog")
async def test_a_terminated_workflow_is_restored_and_nothing_is_missing(world: World, temporal_client: Client) -> None:
    await world.login()
    world.esi.happens(*range(1, 101))
    await start_or_wake(temporal_client, PILOT, 900)
    await until(temporal_client, ok)
    await terminate(temporal_client)
    world.esi.happens(101)
    assert await trigger_watchdog(temporal_client)
    await until_running(temporal_client)
    await until(temporal_client, lambda s: ok(s) and s.cycles >= 1)
    assert await count(world.pool, "killmails") == 101
    assert await world.pool.fetchval("SELECT kind FROM sync_runs ORDER BY run_id DESC LIMIT 1") == "incremental"


@pytest.mark.usefixtures("watchdog")
async def test_a_workflow_terminated_half_way_is_restored_and_nothing_is_missing(
    world: World, temporal_client: Client
) -> None:
    await world.login()
    world.esi.happens(*range(1, 101))
    world.esi.held = frozenset(range(1, 51))
    await start_or_wake(temporal_client, PILOT, 900)

    async def half_is_here() -> bool:
        return await count(world.pool, "killmails") >= 50

    await eventually(half_is_here)
    await terminate(temporal_client)
    world.esi.held = frozenset()
    await world.pool.execute("UPDATE killmail_refs SET claimed_until = now(), next_attempt_at = NULL")  # time passes
    await trigger_watchdog(temporal_client)
    await until_running(temporal_client)
    await until(temporal_client, lambda s: ok(s) and s.cycles >= 1)
    assert await count(world.pool, "killmails") == 100
    assert await count(world.pool, "sync_runs") == 1, "the run was gone on with"
    assert await count(world.pool, "sync_runs WHERE finished_at IS NOT NULL") == 1


async def test_the_watchdog_wakes_who_is_late_but_not_who_may_sleep(world: World, temporal_client: Client) -> None:
    for character_id in (PILOT, ENEMY):
        await world.login(character_id)
        await start_or_wake(temporal_client, character_id, 900)
        await until(temporal_client, ok, character_id)
    assert await watch(world, temporal_client) == WatchdogReport(users=2)
    await signal_user_sync(temporal_client, ENEMY, "pause")
    await until(temporal_client, lambda s: s.paused, ENEMY)

    async def pause_is_on_record() -> bool:
        return bool((await world.user(ENEMY))["sync_state"] == "paused")

    await eventually(pause_is_on_record)
    await world.pool.execute(
        "UPDATE users SET last_killmail_sync_at = now() - interval '46 minutes',"
        " sync_detail = jsonb_build_object('until', now() - interval '31 minutes')"
    )
    assert await watch(world, temporal_client) == WatchdogReport(users=2, woken=1)
    await until(temporal_client, lambda s: ok(s) and s.cycles == 2)
    assert (await query_status(temporal_client, ENEMY)).cycles == 1


@pytest.mark.usefixtures("watchdog")
async def test_the_watchdog_keeps_a_pause_when_it_restores(world: World, temporal_client: Client) -> None:
    await world.login()
    await world.pool.execute("UPDATE users SET sync_state = 'paused'")
    await trigger_watchdog(temporal_client)
    await until_running(temporal_client)
    await until(temporal_client, lambda s: s.state == SyncState.PAUSED)
    assert world.esi.requests == []


async def test_a_login_that_temporal_never_heard_of_is_made_good(world: World, temporal_client: Client) -> None:
    await world.login(seconds=-5)
    world.sso.failure = TokenRevoked("gone")
    await start_or_wake(temporal_client, PILOT, 900)
    await until(temporal_client, lambda s: s.state == SyncState.NEEDS_LOGIN)
    assert (await watch(world, temporal_client)).woken == 0
    world.sso.failure = None
    await world.login()

    async def is_woken() -> bool:  # once Temporal's list says what it waits for
        return (await watch(world, temporal_client)).woken == 1

    await eventually(is_woken)
    await until(temporal_client, ok)


@pytest.mark.usefixtures("watchdog")
async def test_killmails_whose_finder_has_gone_are_fetched(world: World, temporal_client: Client) -> None:
    await world.login()
    world.esi.happens(1, 2)
    for killmail_id in (1, 2):
        await world.pool.execute(
            "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, first_seen_at)"
            " VALUES ($1, $2, $3, now() - interval '1 hour')",
            killmail_id,
            f"{killmail_id:040x}",
            ENEMY,
        )
    await trigger_watchdog(temporal_client)

    async def are_here() -> bool:
        return await count(world.pool, "killmails") == 2

    await eventually(are_here)


async def terminate(client: Client) -> None:
    """By hand; and wait until it is no longer counted among those that run, which is a moment later."""
    await client.get_workflow_handle(user_sync_id(PILOT)).terminate("by hand")

    async def none_runs() -> bool:
        return await running(client) == 0

    await eventually(none_runs)


async def until_running(client: Client) -> None:
    async def one_runs() -> bool:
        return await running(client) == 1

    await eventually(one_runs)


async def running(client: Client) -> int:
    return (await client.count_workflows('WorkflowType="UserSync" AND ExecutionStatus="Running"')).count
