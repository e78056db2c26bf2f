"""Once a day everybody's whole list is read, spread over the day; old rows go, the last account stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client

from activities.upkeep import Upkeep, turn_of
from contracts.corporations import corporation_sync_id
from contracts.sync import user_sync_id
from contracts.upkeep import FullSyncsAsked, SumsBuilt
from db.syncs.upkeep import delete_old_rows
from temporal.handles import WorkflowNotRunning
from tests.activities.looks import sync
from tests.activities.stand_in_eve import ENEMY, PILOT, World

NOW = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
OLD = timedelta(days=100)
CORPORATION = 98_000_001


class StandInClient(Client):
    """Nothing of it is used: signals are stood in for."""

    def __init__(self) -> None: ...


@pytest.fixture
def upkeep(world: World) -> Upkeep:
    return Upkeep(world.pool, StandInClient(), runs_kept=timedelta(days=90), login_events_kept=timedelta(days=90))


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Who was told; the ENEMY's workflow is not there."""
    told: list[int] = []

    async def tell(_: Client, character_id: int, signal: str, reason: str = "", *, at_next_look: bool = False) -> None:
        assert (signal, reason, at_next_look) == ("force_full_resync", "daily full sync", True)
        if character_id in (ENEMY, CORPORATION):
            raise WorkflowNotRunning(user_sync_id(character_id))
        told.append(character_id)

    async def tell_corporation(
        _: Client, corporation_id: int, signal: str, reason: str = "", *, at_next_look: bool = False
    ) -> None:
        assert (signal, reason, at_next_look) == ("force_full_resync", "daily full sync", True)
        if corporation_id != CORPORATION:
            raise WorkflowNotRunning(corporation_sync_id(corporation_id))
        told.append(corporation_id)

    monkeypatch.setattr("activities.upkeep.signal_user_sync", tell)
    monkeypatch.setattr("activities.upkeep.signal_corporation_sync", tell_corporation)
    return told


def test_everybody_has_one_turn_a_day_and_they_are_spread_over_it() -> None:
    turns = {character_id: turn_of(character_id, NOW) for character_id in range(90_000_000, 90_010_000)}
    assert all(NOW - timedelta(days=1) < turn <= NOW for turn in turns.values())
    by_hour = [sum(turn.hour == hour for turn in turns.values()) for hour in range(24)]
    assert max(by_hour) < 1.3 * min(by_hour)
    for character_id, turn in list(turns.items())[:100]:
        assert turn_of(character_id, turn) == turn
        assert turn_of(character_id, turn - timedelta(seconds=1)) == turn - timedelta(days=1)


async def test_users_whose_turn_has_come_are_asked_until_it_is_done(
    world: World, upkeep: Upkeep, signalled: list[int]
) -> None:
    for character_id in (PILOT, ENEMY, 90_000_003, 90_000_004):
        await world.login(character_id)
    world.esi.happens(1)
    for character_id in (PILOT, ENEMY, 90_000_003):
        await sync(world, character_id, first=True)
    await world.pool.execute("UPDATE users SET sync_state = 'paused' WHERE character_id = 90000003")
    report = await world.run(upkeep.ask_for_full_syncs)
    assert report == FullSyncsAsked(due=2, asked=1)
    assert signalled == [PILOT], "not who is paused, not who has had no first sync"
    # The signal may have been lost, so it is sent again, until the run is on record.
    await world.run(upkeep.ask_for_full_syncs)
    assert signalled == [PILOT, PILOT]
    await sync(world, PILOT, full=True)
    assert (await world.run(upkeep.ask_for_full_syncs)).due == 1
    await world.pool.execute("UPDATE users SET last_full_sync_at = now() - interval '25 hours'")
    assert (await world.run(upkeep.ask_for_full_syncs)).due == 2


async def test_corporations_have_their_turn_too(world: World, upkeep: Upkeep, signalled: list[int]) -> None:
    await world.pool.execute(
        "INSERT INTO corporations_followed (corporation_id, first_synced_at, sync_state)"
        " VALUES ($1, now(), 'ok'), (98000002, now(), 'no_director'), (98000003, NULL, 'starting')",
        CORPORATION,
    )
    assert await world.run(upkeep.ask_for_full_syncs) == FullSyncsAsked(due=1, asked=1)
    assert signalled == [CORPORATION]


async def test_housekeeping_deletes_in_batches_and_leaves_what_is_shown(world: World, upkeep: Upkeep) -> None:
    await world.login()
    world.esi.happens(1)
    for _ in range(7):
        await sync(world, full=True)
    await world.pool.execute("UPDATE sync_runs SET finished_at = now() - $1::interval", OLD)
    newest = await world.pool.fetchval("SELECT max(run_id) FROM sync_runs")
    await world.pool.execute("INSERT INTO sync_runs (character_id, kind, listed, killmail_ids, new)"
                             " VALUES ($1, 'full', 1, '{1}', 1)", PILOT)  # fmt: skip
    await world.pool.execute(
        "INSERT INTO login_events (at, outcome) SELECT now() - n * interval '30 days', 'ok'"
        " FROM generate_series(0, 5) n"
    )
    await world.pool.execute(
        "INSERT INTO sessions (session_hash, account_id, expires_at)"
        " SELECT h::bytea, account_id, now() + d FROM accounts,"
        " (VALUES ('old', interval '-1 day'), ('new', '1 day')) v(h, d)"
    )
    await world.pool.execute(
        "INSERT INTO login_attempts (state_hash, browser_hash, code_verifier, expires_at)"
        " VALUES ('old', '', '', now() - interval '2 hours'), ('late', '', '', now() - interval '1 minute')"
    )
    kept = {"runs_kept": timedelta(days=90), "events_kept": timedelta(days=90)}
    first = await delete_old_rows(world.pool, **kept, batch=4)
    assert (first.sync_runs, first.sessions, first.login_attempts, first.done) == (4, 1, 1, False)
    second = await world.run(upkeep.delete_what_is_old)
    assert (second.sync_runs, second.done) == (2, True)
    assert first.login_events + second.login_events == 3
    runs = await world.pool.fetch("SELECT run_id FROM sync_runs ORDER BY run_id")
    assert [row["run_id"] for row in runs] == [newest, newest + 1], "the last account, and the run under way"
    assert await world.pool.fetchval("SELECT session_hash FROM sessions") == b"new"
    assert await world.pool.fetchval("SELECT count(*) FROM login_attempts") == 1


async def test_sums_that_were_begun_are_finished(upkeep: Upkeep, world: World) -> None:
    assert await upkeep.build_sums() == SumsBuilt()
    await world.pool.execute("INSERT INTO summed_subjects (subject_id, is_corporation) VALUES ($1, false)", PILOT)
    assert await upkeep.build_sums() == SumsBuilt(subjects=1, finished=1)
