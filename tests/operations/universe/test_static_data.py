"""`killreport load-sde`: from CCP's export to the database, all of it or nothing, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

import cli
from eve.celestials import roman
from tests.operations.universe.static_data_export import (
    Entries,
    dogma,
    jita_in_places,
    small_export,
    write_directory,
    write_zip,
)


@pytest.fixture
def load(database_url: str) -> Callable[..., Any]:
    """Run the command; returns its result."""

    async def run(where: object, *options: str) -> Result:
        environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://127.0.0.1:1/0",  # nothing but the database is needed
            "EVE_CLIENT_ID": "an-application",
            "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
        return await asyncio.to_thread(
            CliRunner().invoke, cli.main, ["load-sde", str(where), *options], env=environment
        )

    return run


async def test_a_zip_fills_the_static_universe(load: Any, pool: asyncpg.Pool, tmp_path: Path) -> None:
    result = await load(write_zip(small_export(), tmp_path / "sde.zip"), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["build_number"] == 3494416
    assert told["read"] == {
        "types": 4,
        "factions": 1,
        "NPC corporations": 1,
        "solar systems": 3,
        "groups": 2,
        "categories": 2,
        "constellations": 3,
        "regions": 3,
        "celestials": 0,
        "slots": 3,
    }
    rifter = await pool.fetchrow(
        "SELECT e.name, e.category, g.name AS g, c.name AS c FROM types t JOIN entities e ON e.entity_id = t.type_id"
        " JOIN type_groups g USING (group_id) JOIN type_categories c USING (category_id) WHERE type_id = 587"
    )
    assert rifter is not None
    assert tuple(rifter) == ("Rifter", "inventory_type", "Frigate", "Ship")
    thera = await pool.fetchrow(
        "SELECT e.name, s.security_status, s.wormhole_class, r.name AS region, r.wormhole_class AS of_region"
        " FROM solar_systems s JOIN entities e ON e.entity_id = s.solar_system_id"
        " JOIN constellations USING (constellation_id) JOIN regions r USING (region_id)"
        " WHERE solar_system_id = 31000005"
    )
    assert thera is not None
    assert tuple(thera) == ("Thera", -0.99, 12, "K-R00033", 1)
    names = {row["entity_id"]: row["name"] for row in await pool.fetch("SELECT entity_id, name FROM entities")}
    assert names[2_500_000_587] == "A type beyond 31 bits"
    assert names[500001] == "Caldari State"
    assert 4711 not in names, "a type without a name gets none"
    assert await pool.fetchval("SELECT ticker FROM corporation_details WHERE corporation_id = 1000125") == "CONCO"


async def test_loading_it_again_writes_nothing_and_a_new_build_only_what_differs(
    load: Any, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    entries = small_export()
    await load(write_directory(entries, tmp_path / "sde"))
    before = await pool.fetch("SELECT type_id, xmin::text FROM types ORDER BY 1")
    again = json.loads((await load(tmp_path / "sde", "--json")).stdout)
    assert (sum(again["changed"].values()), again["names_changed"]) == (0, 0)
    assert await pool.fetch("SELECT type_id, xmin::text FROM types ORDER BY 1") == before
    entries["types"][1] = {"_key": 587, "groupID": 55, "name": {"en": "Rifter II"}}
    newer = json.loads((await load(write_zip(entries, tmp_path / "new.zip", inside="sde/"), "--json")).stdout)
    assert (newer["changed"]["types"], sum(newer["changed"].values()), newer["names_changed"]) == (1, 1, 1)
    assert await pool.fetchval("SELECT name FROM entities WHERE entity_id = 587") == "Rifter II"


async def test_hulls_have_the_slots_that_the_export_tells(load: Any, pool: asyncpg.Pool, tmp_path: Path) -> None:
    entries = small_export()
    told = json.loads((await load(write_zip(entries, tmp_path / "sde.zip"), "--json")).stdout)
    assert (told["read"]["slots"], told["changed"]["slots"]) == (3, 3)
    rows = await pool.fetch("SELECT * FROM hull_slots ORDER BY type_id")
    assert [tuple(row) for row in rows] == [
        (587, 3, 3, 4, 3, 0, 0),
        (29984, 0, 0, 0, 3, 4, 0),
        (45601, 7, 0, 1, 0, 0, 0),
    ], "a Rifter, a Tengu, one of its subsystems, and nothing of a gun"
    again = json.loads((await load(tmp_path / "sde.zip", "--json")).stdout)
    assert again["changed"]["slots"] == 0
    entries["typeDogma"] = [dogma(587, {14: 4.0, 13: 30.0, 12: -1.0})]
    newer = json.loads((await load(write_zip(entries, tmp_path / "new.zip"), "--json")).stdout)
    assert newer["changed"]["slots"] == 1
    rows = await pool.fetch("SELECT * FROM hull_slots")
    assert [tuple(row) for row in rows] == [(587, 4, 8, 0, 0, 0, 0)], "no rack has more than 8"
    del entries["typeDogma"]
    await load(write_zip(entries, tmp_path / "without.zip"))
    assert await pool.fetchval("SELECT count(*) FROM hull_slots") == 1, "an export without them forgets none"


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({}, "dogmaAttributes is not a list"),
        ([14], "an attribute is not an object"),
        ([{"attributeID": "14", "value": 3}], "attributeID is not an id"),
        ([{"attributeID": 14, "value": "3"}], "the value of attribute 14 is not a number"),
    ],
)
async def test_attributes_that_are_none_change_nothing(load: Any, tmp_path: Path, attributes: Any, why: str) -> None:
    entries = {**small_export(), "typeDogma": [{"_key": 587, "dogmaAttributes": attributes}]}
    result = await load(write_zip(entries, tmp_path / "sde.zip"))
    assert result.exit_code == 1
    assert why in result.output


async def test_celestials_have_the_names_and_places_that_the_game_gives_them(
    load: Any, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    entries = {**small_export(), **jita_in_places()}
    told = json.loads((await load(write_zip(entries, tmp_path / "sde.zip"), "--json")).stdout)
    assert (told["read"]["celestials"], told["changed"]["celestials"]) == (11, 11)
    rows = await pool.fetch("SELECT name, solar_system_id, x, y, z FROM celestials ORDER BY celestial_id")
    assert [tuple(row) for row in rows] == [
        ("Jita", 30000142, 0, 0, 0),
        ("Jita I", 30000142, 1e10, 0, 0),
        ("Jita IV", 30000142, 2e11, -1e9, 3e11),
        ("Jita IV - Moon 4", 30000142, 2e11, 0, 3.1e11),
        ("Jita IV - Asteroid Belt 2", 30000142, 2.1e11, 0, 3e11),
        ("Hope", 30000142, 3e11, 0, 3e11),
        ("Hope - Moon 1", 30000142, 3.1e11, 0, 3e11),
        ("Thera", 31000005, 0, 0, 0),
        ("Stargate (Thera)", 30000142, 5e12, 0, 0),
        ("Jita IV - Moon 4 - Caldari Navy Assembly Plant", 30000142, 2e11, 5e6, 3.1e11),
        ("Jita I - CONCORD", 30000142, 1e10, 5e6, 0),
    ]
    again = json.loads((await load(tmp_path / "sde.zip", "--json")).stdout)
    assert again["changed"]["celestials"] == 0
    entries["mapStargates"] = []
    entries["mapPlanets"][0]["position"]["x"] = 2e10
    moved = json.loads((await load(write_zip(entries, tmp_path / "new.zip"), "--json")).stdout)
    assert moved["changed"]["celestials"] == 1
    assert await pool.fetchval("SELECT x FROM celestials WHERE name = 'Jita I'") == 2e10
    assert await pool.fetchval("SELECT count(*) FROM celestials WHERE name LIKE 'Stargate%'") == 0
    await load(write_zip(small_export(), tmp_path / "slice.zip"))
    assert await pool.fetchval("SELECT count(*) FROM celestials") == 10, "an export without any says nothing of them"


@pytest.mark.parametrize(("number", "written"), [(1, "I"), (4, "IV"), (9, "IX"), (14, "XIV"), (19, "XIX"), (40, "XL")])
def test_planets_are_numbered_as_romans_did(number: int, written: str) -> None:
    assert roman(number) == written


def _without(file: str) -> Entries:
    return {name: lines for name, lines in small_export().items() if name != file}


def _with(file: str, line: dict[str, Any]) -> Entries:
    entries = small_export()
    entries[file].append(line)
    return entries


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        (_without("groups"), "has no groups.jsonl"),
        (_with("types", {"_key": "587", "groupID": 25}), "types.jsonl, entry 5: _key is not an id"),
        (_with("types", {"_key": 588}), "types.jsonl, entry 5: groupID is not an id"),
        (_with("groups", {"_key": 9, "categoryID": 6, "name": 5}), "groups.jsonl, entry 3: name is not a text"),
        (
            _with("mapSolarSystems", {"_key": 3, "securityStatus": 7, "constellationID": 1}),
            "entry 4: securityStatus is not a number from -1 to 1",
        ),
        (_with("mapRegions", {"_key": 10000002, "name": {"en": "Again"}}), "Two of the regions have the same id"),
    ],
)
async def test_what_is_not_the_export_changes_nothing(
    load: Any, pool: asyncpg.Pool, tmp_path: Path, entries: Entries, says: str
) -> None:
    result = await load(write_directory(entries, tmp_path / "sde"))
    assert result.exit_code == 1
    assert "Nothing was loaded." in result.stderr
    assert says in result.stderr
    assert await pool.fetchval("SELECT count(*) FROM types") == 0
    assert await pool.fetchval("SELECT count(*) FROM entities") == 0


async def test_a_line_that_is_cut_short_changes_nothing(load: Any, pool: asyncpg.Pool, tmp_path: Path) -> None:
    directory = write_directory(small_export(), tmp_path / "sde")
    with (directory / "types.jsonl").open("a") as file:
        file.write('{"_key": 588, "groupID"')
    result = await load(directory)
    assert "types.jsonl, line 5: not JSON" in result.stderr
    assert await pool.fetchval("SELECT count(*) FROM types") == 0


async def test_something_else_than_a_zip_is_said_to_be(load: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no zip")
    assert "neither a directory nor a zip" in (await load(tmp_path / "notes.txt")).stderr
    assert "neither a directory nor a zip" in (await load(tmp_path / "missing")).stderr


@asynccontextmanager
async def serving(body: bytes, status: int = 200) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status)

    app = web.Application()
    app.router.add_get("/eve-online-static-data-latest-jsonl.zip", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/eve-online-static-data-latest-jsonl.zip"))


async def test_a_temporary_directory_that_is_missing_or_full_is_said_in_a_sentence(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(write_zip(small_export(), tmp_path / "sde.zip").read_bytes()) as address:
        for name, value, why in (
            ("DOWNLOADED", "/dev/full", "No space left on device"),
            ("tempfile.tempdir", str(tmp_path / "missing"), "No such file or directory"),
        ):
            with monkeypatch.context() as patched:
                patched.setattr(f"operations.universe.static_data.{name}", value)
                result = await load(address)
            assert result.exit_code == 1
            assert result.stderr.splitlines()[-1] == (
                "Error: Nothing was loaded: the export or the temporary directory, which TMPDIR names, cannot be used"
                f" ({why})."
            )


async def test_the_zip_may_be_elsewhere(load: Any, pool: asyncpg.Pool, tmp_path: Path) -> None:
    async with serving(write_zip(small_export(), tmp_path / "sde.zip").read_bytes()) as address:
        result = await load(address)
    assert result.exit_code == 0, result.output
    assert "Read the static data of build 3,494,416: 4 types" in result.stdout
    async with serving(b"", 503) as address:
        result = await load(address)
    assert result.exit_code == 1
    assert "The export could not be downloaded from" in result.stderr
    assert await pool.fetchval("SELECT count(*) FROM static_data_loads") == 1
