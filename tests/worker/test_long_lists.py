"""Lists with more pages than a window of ESI's budget pays for: read to the end, also while killmails come in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import redis.asyncio
from temporalio.client import Client

from contracts.corporations import corporation_sync_id
from contracts.sync import user_sync_id
from db.corporations.directors import follow
from sandbox.eve.answers import Answer
from sandbox.eve.killmail_lists import KillmailLists
from sandbox.eve.killmails import ListKind
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.corporation_sync import start_or_wake_corporation
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.logins import log_in, log_in_as_director
from tests.stored import stored
from tests.workflows.waiting import eventually, ok, until, until_corporation

PAGE_SIZE = 10
PILOTS = "/characters/{character_id}/killmails/recent"
CORPORATIONS = "/corporations/{corporation_id}/killmails/recent"

pytestmark = pytest.mark.usefixtures("worker", "small_pages")
NextWindow = Callable[[], Awaitable[None]]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.eve.killmail_lists.PAGE_SIZE", PAGE_SIZE)


@pytest.fixture
async def next_window(settings: Settings, pool: asyncpg.Pool, eve: SandboxEve) -> AsyncIterator[NextWindow]:
    """A quarter of an hour goes by: every budget is whole again, ESI's cache of every list is over."""
    async with redis.asyncio.from_url(settings.redis_url) as client:

        async def passes() -> None:
            await client.flushall()
            eve.forget_spending()
            eve.expire_lists()
            await pool.execute("UPDATE users SET killmail_list_fresh_until = NULL")
            await pool.execute("UPDATE corporations_followed SET killmail_list_fresh_until = NULL")

        yield passes


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[ListKind, list[int]]:
    """The numbers of the pages that were asked for."""
    numbers: dict[ListKind, list[int]] = {kind: [] for kind in ListKind}
    page = KillmailLists.page

    def noted(lists: KillmailLists, kind: ListKind, entity_id: int, number: int) -> Answer:
        numbers[kind].append(number)
        return page(lists, kind, entity_id, number)

    monkeypatch.setattr(KillmailLists, "page", noted)
    return numbers


async def test_a_pilots_list_is_read_to_its_end_and_once_in_full(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    next_window: NextWindow,
    asked: dict[ListKind, list[int]],
) -> None:
    pilot = eve.pilots[0].character_id
    eve.add_killmails(pilot, 20 * PAGE_SIZE - len(eve.listed_killmail_ids(pilot)))
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    listed = set(eve.listed_killmail_ids(pilot))
    assert len(listed) == 20 * PAGE_SIZE > len(await stored(pool)), "the budget was spent on the way"

    async def look(new: int = 1) -> list[int]:
        """After so many killmails happened; the pages asked for."""
        await next_window()
        listed.update(one.killmail_id for one in eve.add_killmails(pilot, new))
        asked[ListKind.CHARACTER].clear()
        await client.get_workflow_handle(user_sync_id(pilot)).execute_update("sync_now_and_wait")
        return list(asked[ListKind.CHARACTER])

    reached = max(asked[ListKind.CHARACTER])
    assert await look() == [1, *range(reached + 1, 22)], "it goes on where the first look had to stop"
    assert await stored(pool) == listed

    assert await look() == list(range(1, 14)), "the next walk begins at page 1 again: pages shift"
    await signal_user_sync(client, pilot, "force_full_resync", at_next_look=True)
    assert await look() == list(range(1, 14)), "a full walk is not the end of one that was not full"
    status = await until(client, ok, pilot)
    assert (status.full_requested, status.last_full_sync_at) == (True, None)
    assert await pool.fetchval("SELECT count(*) FROM killmail_lists") == 21, "what was not reached is not forgotten"
    await signal_user_sync(client, pilot, "force_full_resync", at_next_look=True)  # as every hour, until it is done
    before = len(eve.requests_of(PILOTS))
    assert await look(0) == [1, *range(14, 22)]
    statuses = [one.status for one in eve.requests_of(PILOTS)[before:]]
    assert statuses == [304] + [200] * 8, "in full: no ETag was sent with what it had not read yet"
    status = await until(client, ok, pilot)
    assert not status.full_requested
    assert status.last_full_sync_at is not None
    assert await pool.fetchval("SELECT last_full_sync_at IS NOT NULL FROM users WHERE character_id = $1", pilot)
    assert await stored(pool) == listed


async def test_two_directors_go_on_with_each_others_walk(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
    next_window: NextWindow,
    asked: dict[ListKind, list[int]],
) -> None:
    corporation_id = eve.pilots[0].corporation_id
    directors = [pilot for pilot in eve.pilots if pilot.corporation_id == corporation_id][:2]
    listed = {one.killmail_id for one in eve.corporation_references(corporation_id)}
    new = eve.add_killmails(directors[0].character_id, 20 * PAGE_SIZE - len(listed))
    listed |= {one.killmail_id for one in new}
    for director in directors:
        eve.gain_role(director.character_id)
        await log_in_as_director(settings, pool, director)
        await follow(pool, director.character_id)
    await start_or_wake_corporation(client, corporation_id, 900)
    await until_corporation(client, ok, corporation_id)
    await next_window()
    listed.add(eve.add_killmail(directors[0].character_id).killmail_id)
    await client.get_workflow_handle(corporation_sync_id(corporation_id)).execute_update("sync_now_and_wait")
    assert {one.character_id for one in eve.requests_of(CORPORATIONS)} == {one.character_id for one in directors}
    assert asked[ListKind.CORPORATION] == [*range(1, 14), 1, *range(14, 22)]

    async def all_is_here() -> bool:
        """A director's own sync may fetch some of it."""
        return listed <= await stored(pool)

    await eventually(all_is_here)
