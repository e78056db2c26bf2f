"""CCP's static data, looked at daily: a real worker, Temporal and Postgres against the builds of the sandbox EVE."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tracemalloc
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from temporalio.client import Client

from activities.static_data import StaticDataFollower
from contracts.static_data import StaticDataLook, StaticDataOutcome
from contracts.task_queues import SYNC_QUEUE
from db.intake.store import store_killmails
from db.universe.details import TYPE, want_details, wanted_ids
from eve.static_builds import StaticBuilds
from sandbox.eve.catalogue import EveType
from sandbox.eve.server import SandboxEve
from sandbox.eve.static_builds import FIRST_BUILD, ROUTE, add_build, add_changes, exported
from tests.db.bodies import body, raw
from tests.operations.universe.static_data_export import small_export, write_zip

NEW_SHIP = 99_001
RUNS = itertools.count()


async def look(client: Client) -> StaticDataLook:
    running = client.execute_workflow(
        "StaticDataFollow", id=f"static-data-{next(RUNS)}", task_queue=SYNC_QUEUE, result_type=StaticDataLook
    )
    told: StaticDataLook = await asyncio.wait_for(running, 60)
    return told


async def test_reading_a_large_export_takes_little_memory(pool: asyncpg.Pool, tmp_path: Path) -> None:
    """A load holds a part of the celestials at a time; those of CCP's export, in lists, are 180 MB."""
    count, system = 60_000, 30_000_142
    moon = {"solarSystemID": system, "position": {"x": 1.5e11, "y": 2.5e10, "z": 3.5e11}}
    moons = [{"_key": 40_000_000 + one, "name": f"Moon number {one}", **moon} for one in range(count)]
    path = write_zip({**small_export(), "mapMoons": moons}, tmp_path / "sde.zip")
    del moons

    class OneBuild(StaticBuilds):
        async def latest(self) -> int:
            return 3494416

        async def download(self, _: int, to: Path) -> None:
            await asyncio.to_thread(shutil.copy, path, to)

    async with aiohttp.ClientSession() as session:
        follower = StaticDataFollower(pool, OneBuild(session, "http://127.0.0.1:1"))
        tracemalloc.start()
        try:
            loaded = await follower.look_for_static_data()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert loaded.outcome is StaticDataOutcome.LOADED, loaded
    assert await pool.fetchval("SELECT count(*) FROM celestials") == count
    assert most < 10 * 2**20, f"{most:,} bytes"


async def of_types(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await pool.fetch("SELECT type_id, xmin::text FROM types ORDER BY 1")
    return rows


@pytest.mark.usefixtures("soon_again", "worker")
async def test_a_newer_build_comes_by_itself_and_only_if_it_has_anything_of_ours(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    eve.add_fault("status", route=ROUTE, count=1, status=503)
    eve.add_fault("truncated", route=ROUTE, count=1, path="/static-data/eve-online")
    first = await look(client)
    assert (first.outcome, first.build) == (StaticDataOutcome.LOADED, FIRST_BUILD)
    universe, builds = eve.world.universe, eve.world.static_builds
    assert len(await of_types(pool)) == len(universe.types)
    assert (await look(client)).outcome is StaticDataOutcome.UNCHANGED

    places = await pool.fetchval("SELECT count(*) FROM celestials")
    await pool.execute("DELETE FROM celestials")
    again = await look(client)
    assert (again.outcome, again.changed) == (StaticDataOutcome.LOADED, places), "loaded before celestials were kept"
    assert places > len(universe.solar_systems)

    slots = await pool.fetchval("SELECT count(*) FROM hull_slots")
    await pool.execute("DELETE FROM hull_slots")
    again = await look(client)
    assert (again.outcome, again.changed) == (StaticDataOutcome.LOADED, slots), "loaded before slots were kept"
    assert slots > 50

    before = len(eve.requests_of(ROUTE))
    add_changes(builds, FIRST_BUILD + 1, FIRST_BUILD, {"missions": [1, 2]})
    add_changes(builds, FIRST_BUILD + 5, FIRST_BUILD + 1, {"skins": [3]})
    assert (await look(client)).outcome is StaticDataOutcome.UNTOUCHED
    assert await pool.fetchval("SELECT max(build_number) FROM static_data_loads") == FIRST_BUILD + 5
    asked = [record.path.removeprefix("/static-data/") for record in eve.requests_of(ROUTE)[before:]]
    assert asked == ["latest.jsonl", f"changes/{FIRST_BUILD + 5}.jsonl", f"changes/{FIRST_BUILD + 1}.jsonl"]

    lost = body(1, victim=90_000_001)
    lost["victim"]["ship_type_id"] = NEW_SHIP
    await store_killmails(pool, [raw(lost)])
    await want_details(pool, [1])
    assert NEW_SHIP in await wanted_ids(pool, TYPE, 10), "a type newer than the export is asked of ESI"
    universe.types[NEW_SHIP] = EveType(NEW_SHIP, 25, "Newest Frigate")
    stood = {tuple(row) for row in await of_types(pool)}
    add_build(builds, FIRST_BUILD + 9, exported(universe), FIRST_BUILD + 5)
    newer = await look(client)
    assert (newer.outcome, newer.build, newer.changed) == (StaticDataOutcome.LOADED, FIRST_BUILD + 9, 2)
    assert {row["type_id"] for row in await of_types(pool)} == {one for one, _ in stood} | {NEW_SHIP}
    assert stood <= {tuple(row) for row in await of_types(pool)}, "what has not changed was not written"
    assert await pool.fetchval("SELECT name FROM entities WHERE entity_id = $1", NEW_SHIP) == "Newest Frigate"


@pytest.mark.usefixtures("soon_again", "worker")
async def test_a_lying_truncated_or_huge_answer_changes_nothing_and_says_so(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await look(client)).outcome is StaticDataOutcome.LOADED
    builds, next_build = eve.world.static_builds, FIRST_BUILD + 1
    whole, good = exported(eve.world.universe), dict(builds)
    add_build(builds, next_build, whole, FIRST_BUILD)
    name = f"eve-online-static-data-{next_build}-jsonl.zip"
    published = dict(builds)
    few = {**whole, "types": whole["types"][:3]}
    twice = {**whole, "regions": [], "types": [*whole["types"], whole["types"][0]]}
    lies: list[tuple[dict[str, bytes], str]] = [
        ({"latest.jsonl": b"<html>"}, "sends no JSON Lines in latest.jsonl"),
        ({"latest.jsonl": b'{"_key":"sde","buildNumber":"9"}'}, "has no build number in latest.jsonl"),
        ({"latest.jsonl": b'{"_key":"sde","buildNumber":7}'}, "The newest build is said to be 7"),
        ({"latest.jsonl": b" " * 100_000}, "sent more than 65536 bytes"),
        ({f"changes/{next_build}.jsonl": b'{"_key":"_meta","buildNumber":3,"lastBuildNumber":2}'}, "of another build"),
        ({name: published[name][:-200]}, "neither a directory nor a zip"),
        ({name: good[f"eve-online-static-data-{FIRST_BUILD}-jsonl.zip"]}, f"is of build {FIRST_BUILD}"),
        ({name: _zip(next_build, few)}, "has 3 types"),
        ({name: _zip(next_build, twice)}, "Two of the types have the same id"),
    ]
    stood = await of_types(pool)
    for lie, why in lies:
        builds.clear()
        builds.update(published | lie)
        told = await look(client)
        assert (told.outcome, why in told.why) == (StaticDataOutcome.REFUSED, True), told
        assert await of_types(pool) == stood
    builds.update(published)
    monkeypatch.setattr("eve.static_builds.LARGEST_EXPORT_BYTES", 1000)
    assert "more than an export can have" in (await look(client)).why
    monkeypatch.undo()
    monkeypatch.setattr("eve.static_data.LONGEST_LINE", 10)
    assert "longer than an entry can be" in (await look(client)).why
    assert await pool.fetchval("SELECT array_agg(build_number) FROM static_data_loads") == [FIRST_BUILD]


def _zip(build: int, entries: dict[str, list[dict[str, object]]]) -> bytes:
    builds: dict[str, bytes] = {}
    add_build(builds, build, entries)
    return builds[f"eve-online-static-data-{build}-jsonl.zip"]
