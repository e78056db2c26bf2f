"""Temporal has lost its data: what Postgres knows runs again, pilots and corporations."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.restore import Restore
from activities.watch import Watch
from activities.webhooks import WebhookBell
from contracts.sync import UserSyncState, user_sync_id
from contracts.task_queues import SYNC_QUEUE
from contracts.upkeep import RestoredSyncs, RestoreSyncs, WatchdogReport
from db.pool import open_pool
from temporal.running import running_corporations, running_pilots
from temporal.task_queues import workflow_tasks_waiting
from temporal.universe import wake_enrichment
from temporal.user_sync import query_status, start_user_sync
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns
from tests.workflows.waiting import eventually

INTERVAL = 900
RUN_ALREADY = (7, 8, 90)
LOST = 90
PAGE = 15
MAY_WAIT = 20
"""Workflow tasks, when the next page begins."""
CORPORATIONS = (98_000_001, 98_000_002, 98_000_003)
SPREAD = timedelta(seconds=LOST * 0.25)


@dataclass
class Installation(StandIns):
    """Looks are stood in for, the watchdog is real. On its fourth page its process dies half-way."""

    pool: asyncpg.Pool | None = None
    client: Client | None = None
    pages: int = 0

    @activity.defn
    async def watch_users(self) -> WatchdogReport:
        assert self.pool is not None
        assert self.client is not None
        bell = WebhookBell(self.pool, self.client)
        wake = partial(wake_enrichment, self.client)
        return await Watch(self.pool, self.client, INTERVAL, bell.ring_who_is_behind, wake).watch_users()

    @activity.defn
    async def restore_syncs(self, request: RestoreSyncs) -> RestoredSyncs:
        assert self.pool is not None
        assert self.client is not None
        self.pages += 1
        if self.pages == 4:
            half = await Restore(self.pool, self.client, INTERVAL, PAGE // 2).restore_syncs(request)
            assert half.started > 0
            raise ApplicationError("the process has died", type="Infrastructure")
        return await Restore(self.pool, self.client, INTERVAL, PAGE).restore_syncs(request)

    @property
    def activities(self) -> list[Callable[..., Any]]:
        return [*super().activities, self.restore_syncs]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await open_pool(database_url, max_size=5))
        await pool.execute(
            """
            WITH account AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)
            INSERT INTO users (character_id, account_id, name, owner_hash, scopes, refresh_token, token_state,
                               sync_state, first_synced_at, last_killmail_sync_at, last_login_at,
                               last_new_killmail_at)
            SELECT n, account_id, 'Pilot', 'owner', '{}', '\\x00', 'valid', 'ok', now() - interval '9 days',
                   now() - CASE WHEN n = ANY ($2) THEN interval '0' ELSE interval '1 hour' END,
                   now() - interval '300 days', CASE WHEN n % 2 = 0 THEN now() - interval '200 days' END
              FROM account, generate_series(1, $1::int) n
            """,
            LOST + len(RUN_ALREADY),
            RUN_ALREADY,
        )
        await pool.execute(
            "INSERT INTO corporations_followed (corporation_id, sync_state, first_synced_at, last_killmail_sync_at)"
            " SELECT n, 'ok', now() - interval '9 days', now() - interval '1 hour' FROM unnest($1::bigint[]) n",
            CORPORATIONS,
        )
        await pool.execute(
            "INSERT INTO corporation_directors (corporation_id, character_id)"
            " SELECT n, 1 + n - 98000001 FROM unnest($1::bigint[]) n",
            CORPORATIONS,
        )
        yield pool


async def run_watchdog(client: Client, name: str) -> WatchdogReport:
    handle = await client.start_workflow("Watchdog", id=name, task_queue=SYNC_QUEUE, result_type=WatchdogReport)
    report: WatchdogReport = await handle.result()
    return report


async def history_of(client: Client, character_id: int) -> list[int]:
    handle = client.get_workflow_handle(user_sync_id(character_id))
    return [event.event_type async for event in handle.fetch_history_events()]


async def handed_over(client: Client, character_id: int) -> UserSyncState:
    """What the workflow was started with."""
    history = await client.get_workflow_handle(user_sync_id(character_id)).fetch_history()
    payloads = history.events[0].workflow_execution_started_event_attributes.input.payloads
    [state] = await client.data_converter.decode(payloads, [UserSyncState])
    assert isinstance(state, UserSyncState)
    return state


async def test_all_that_was_lost_runs_again_after_one_run_of_the_watchdog_and_looks_one_after_another(
    temporal_client: Client, pool: asyncpg.Pool, serve: Served
) -> None:
    installation = Installation(pool=pool, client=temporal_client)
    await serve(temporal_client, installation)
    for character_id in RUN_ALREADY:
        later = datetime.now(UTC) + timedelta(hours=1)
        state = UserSyncState(character_id, INTERVAL, first_sync_done=True, next_sync_at=later)
        await start_user_sync(temporal_client, state)

    async def all_of_them_sleep() -> bool:
        asleep = EventType.EVENT_TYPE_TIMER_STARTED
        return all([asleep in await history_of(temporal_client, one) for one in RUN_ALREADY])

    await eventually(all_of_them_sleep)
    before = [await history_of(temporal_client, one) for one in RUN_ALREADY]

    began = datetime.now(UTC)
    report = await run_watchdog(temporal_client, "watchdog-after-the-loss")
    assert (report.users, report.lost_pilots, report.lost_corporations) == (LOST + 3, LOST, 3)
    assert installation.pages >= LOST // PAGE + 2, "it goes page by page, and repeats the one that it died in"

    async def all_run() -> bool:
        pilots, corporations = await running_pilots(temporal_client), await running_corporations(temporal_client)
        return len(pilots) == LOST + len(RUN_ALREADY) and set(corporations) == set(CORPORATIONS)

    await eventually(all_run)
    assert [await history_of(temporal_client, one) for one in RUN_ALREADY] == before, "who runs hears nothing"

    for character_id in (20, 21):
        known = await pool.fetchrow("SELECT * FROM users WHERE character_id = $1", character_id)
        assert known is not None
        state = await handed_over(temporal_client, character_id)
        assert (state.last_new_killmail_at, state.awake_since) == (
            known["last_new_killmail_at"],
            known["last_login_at"],
        )

    promised = await pool.fetch(
        "SELECT character_id, (sync_detail ->> 'until')::timestamptz AS at FROM users"
        " WHERE sync_detail ? 'until' ORDER BY at"
    )
    times = [row["at"] for row in promised]
    assert len(times) == LOST
    assert began <= times[0]
    assert times[-1] <= datetime.now(UTC) + SPREAD
    assert times[-1] - times[0] > 0.9 * SPREAD
    busiest = max(sum(first <= time < first + timedelta(seconds=1) for time in times) for first in times)
    assert busiest <= 15, "four in a second on average"
    last = promised[-1]
    assert (await query_status(temporal_client, last["character_id"])).next_sync_at == last["at"]
    looked_at = {look.character_id for look in installation.looks}
    due = {row["character_id"] for row in promised if row["at"] <= datetime.now(UTC)}
    assert looked_at <= due, "nobody is looked at before their turn"

    again = await run_watchdog(temporal_client, "watchdog-once-more")
    assert (again.started, again.woken) == (0, 0), "none is missing, and none late before the look it was promised"


async def test_no_more_are_started_while_the_first_tasks_of_others_wait(
    temporal_client: Client, pool: asyncpg.Pool, serve: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever was promised a look meanwhile looks at once with all others, as soon as a worker gets to them."""
    later = datetime.now(UTC) + timedelta(hours=1)
    for character_id in range(1_001, 1_001 + 2 * MAY_WAIT):
        state = UserSyncState(character_id, INTERVAL, first_sync_done=True, next_sync_at=later)
        await start_user_sync(temporal_client, state)
    asked: list[int] = []

    async def waiting(client: Client) -> int:
        asked.append(await workflow_tasks_waiting(client))
        return asked[-1]

    async def asked_again() -> bool:
        return len(asked) > 2 and min(asked[-2:]) > MAY_WAIT

    monkeypatch.setattr("activities.restore.workflow_tasks_waiting", waiting)
    monkeypatch.setattr("activities.restore.WAITING_AT_MOST", MAY_WAIT)
    restore = Restore(pool, temporal_client, INTERVAL, PAGE)
    restoring = asyncio.create_task(restore.restore_syncs(RestoreSyncs(lost=PAGE)))
    await eventually(asked_again)
    assert not {*await running_pilots(temporal_client)} & {*range(1, PAGE + 1)}

    await serve(temporal_client, Installation(pool=pool, client=temporal_client))
    assert (await restoring).started == PAGE
    assert asked[-1] <= MAY_WAIT
