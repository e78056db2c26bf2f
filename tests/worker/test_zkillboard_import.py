"""An import from its estimate to its account: a real worker, Temporal, Postgres and Redis against the sandbox EVE."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from temporalio.client import Client

from contracts.imports import ImportState
from db.intake.arrivals import arrivals_after
from db.intake.sources import Source, pilot_sources
from live import LiveEvents
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.user_sync import start_or_wake
from temporal.zkillboard_import import cancel_import, start_import
from tests.logins import add_user, log_in
from tests.stored import on_zkillboard, stored
from tests.workflows.waiting import eventually, shows, until_import

BODY = "/killmails/{killmail_id}/{killmail_hash}"
PAGE = "/api/{path}"
pytestmark = pytest.mark.usefixtures("soon_again", "worker")


async def test_a_history_comes_with_its_bodies_and_is_no_news(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve, redis_url: str
) -> None:
    import redis.asyncio

    pilot = eve.pilots[0].character_id
    await add_user(pool, pilot)
    follower = redis.asyncio.from_url(redis_url)
    told = asyncio.create_task(anext(event async for event in LiveEvents(follower).subscribe() if event.killmail_ids))
    handle = await start_import(client, pilot, ask_first=False, reason="test")
    account = await asyncio.wait_for(handle.result(), 60)
    expected = await on_zkillboard(eve, pilot)
    assert len(expected) > len(eve.listed_killmail_ids(pilot)), "zKillboard has more than ESI lists"
    assert await stored(pool) == expected
    assert (account.listed, account.new, account.stored) == (len(expected),) * 3
    assert (account.state, account.pending, account.failed, account.unusable) == (ImportState.DONE, 0, 0, 0)
    assert eve.requests_of(BODY) == [], "every body came from zKillboard"
    assert await pool.fetchval("SELECT count(*) FROM killmail_refs WHERE stored_at IS NOT NULL") == len(expected)
    assert await pool.fetchval("SELECT count(*) FROM entities WHERE name IS NOT NULL") > 50
    assert await pool.fetchval("SELECT count(*) FROM killmails WHERE solo IS NULL") == 0, "all were classified"
    bodies = await pool.fetch("SELECT killmail_id, body ? 'zkb' AS spoiled FROM killmail_bodies")
    assert not any(row["spoiled"] for row in bodies)
    assert not told.done(), "an old killmail is no news for anybody's live feed"
    told.cancel()
    await follower.aclose()
    asked = eve.requests_of(PAGE)
    assert all(record.path.endswith("/") and record.user_agent.startswith("KillReport") for record in asked)

    again = await start_import(client, pilot, ask_first=False, reason="test")
    second = await asyncio.wait_for(again.result(), 60)
    assert (second.listed, second.stored, second.new) == (len(expected), len(expected), 0)


async def test_two_starts_give_one_run_and_the_estimate_waits_for_a_word(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0].character_id
    await add_user(pool, pilot)
    first = await start_import(client, pilot, ask_first=True, reason="test")
    status = await until_import(client, shows(ImportState.ESTIMATED), pilot)
    expected = await on_zkillboard(eve, pilot)
    assert status.estimate is not None
    assert (status.estimate.killmails, status.estimate.new) == (len(expected), len(expected))
    assert status.estimate.pages == -(-len(expected) // 200)
    assert f"{len(expected):,}" in status.message
    assert await stored(pool) == set()
    second = await start_import(client, pilot, ask_first=True, reason="test")
    third = await start_import(client, pilot, ask_first=False, reason="test")
    assert {handle.first_execution_run_id or handle.result_run_id for handle in (first, second, third)} == {
        first.first_execution_run_id
    }
    await asyncio.wait_for(third.result(), 60)
    assert await stored(pool) == expected


async def test_a_cancelled_import_keeps_what_it_has_and_says_so(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.veteran.character_id
    await add_user(pool, pilot)
    await start_import(client, pilot, ask_first=True, reason="test")
    await until_import(client, shows(ImportState.ESTIMATED), pilot)
    eve.add_fault("latency", route=PAGE, seconds=0, count=2)
    eve.add_fault("latency", route=PAGE, seconds=60)  # the third page does not come
    handle = await start_import(client, pilot, ask_first=False, reason="test")
    await until_import(client, lambda s: s.progress is not None and s.progress.done >= 400, pilot)
    await cancel_import(client, pilot, "test")
    account = await asyncio.wait_for(handle.result(), 60)
    assert account.state is ImportState.CANCELLED
    assert account.new == 400
    row = await pool.fetchrow("SELECT * FROM zkillboard_imports")
    assert row is not None
    assert (row["state"], row["new"], row["finished_at"] is not None) == ("cancelled", account.new, True)
    eve.remove_faults()
    again = await start_import(client, pilot, ask_first=False, reason="test")
    await asyncio.wait_for(again.result(), 60)
    assert await stored(pool) == await on_zkillboard(eve, pilot)


async def test_faults_on_the_way_lose_nothing(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eve.zkillboard.client.OVERLOADED_SECONDS", 0.2)
    pilot = eve.pilots[0].character_id
    await add_user(pool, pilot)
    for fault in (
        {"kind": "status", "status": 503},
        {"kind": "truncated"},
        {"kind": "rate_limited", "seconds": 1},
    ):
        eve.add_fault(fault.pop("kind"), route=PAGE, count=1, **fault)
    handle = await start_import(client, pilot, ask_first=False, reason="test")
    account = await asyncio.wait_for(handle.result(), 90)
    assert (account.state, account.pending, account.failed) == (ImportState.DONE, 0, 0)
    assert await stored(pool) == await on_zkillboard(eve, pilot)


async def test_a_character_without_killmails(pool: asyncpg.Pool, client: Client, eve: SandboxEve) -> None:
    await add_user(pool, 2_100_000_999)
    handle = await start_import(client, 2_100_000_999, ask_first=True, reason="test")
    account = await asyncio.wait_for(handle.result(), 30)
    assert (account.state, account.listed) == (ImportState.DONE, 0)
    assert len(eve.requests_of(PAGE)) <= 2


class TestWithoutBodies:
    """The list as it was from 2018 to 2026."""

    @pytest.fixture
    def eve_options(self) -> SandboxOptions:
        return SandboxOptions(strangers=60, zkillboard_bodies=False)

    async def test_esi_fetches_what_is_not_here_and_only_once(
        self, pool: asyncpg.Pool, client: Client, eve: SandboxEve
    ) -> None:
        pilots = [pilot.character_id for pilot in eve.pilots[:3]]
        for pilot in pilots:
            await add_user(pool, pilot)
        handles = [await start_import(client, pilot, ask_first=False, reason="test") for pilot in pilots]
        accounts = [await asyncio.wait_for(handle.result(), 120) for handle in handles]
        expected = [await on_zkillboard(eve, pilot) for pilot in pilots]
        everything = set[int]().union(*expected)
        assert len(everything) < sum(map(len, expected)), "they share some"
        assert await stored(pool) == everything
        asked = [record.path for record in eve.requests_of(BODY)]
        assert len(asked) == len(set(asked)) == len(everything)
        assert sum(account.failed for account in accounts) == 0
        # What another import has taken on may come a moment after this one has ended.
        shared = sum(map(len, expected)) - len(everything)
        assert sum(account.pending for account in accounts) <= shared
        assert [account.listed for account in accounts] == [len(one) for one in expected]

    async def test_what_a_cancelled_import_left_is_no_news_when_the_pilots_own_look_fetches_it(
        self, settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
    ) -> None:
        pilot = eve.pilots[0].character_id
        await log_in(settings, pool, pilot)
        await pool.execute("UPDATE users SET token_state = 'revoked'")  # its own sync rests
        eve.add_fault("latency", route=BODY, seconds=60)
        handle = await start_import(client, pilot, ask_first=False, reason="test")

        async def has_begun() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM killmail_refs WHERE claimed_until IS NOT NULL"))

        await eventually(has_begun)
        await cancel_import(client, pilot, "test")
        await asyncio.wait_for(handle.result(), 60)
        assert await stored(pool) == set()
        eve.remove_faults()
        await pool.execute("UPDATE killmail_refs SET claimed_until = NULL")  # an hour later
        left = {row["killmail_id"] for row in await pool.fetch("SELECT killmail_id FROM killmail_refs")}
        listed = set(eve.listed_killmail_ids(pilot))
        assert left & listed
        assert left - listed, "zKillboard has assists, too, and older ones"
        await log_in(settings, pool, pilot)
        await start_or_wake(client, pilot, 900)

        async def all_arrived() -> bool:
            return {one.killmail_id for one in await arrivals_after(pool, 0, 10_000)} == left | listed

        await eventually(all_arrived)
        told = {one.killmail_id for one in await arrivals_after(pool, 0, 10_000) if one.entities}
        assert told == listed, "what ESI lists is news, and nothing else"
        sources = (await pilot_sources(pool, [pilot]))[pilot].stored
        assert sources == {Source.OWN_LIST: len(listed), Source.IMPORT: len(left - listed)}
