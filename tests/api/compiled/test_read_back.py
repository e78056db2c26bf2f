"""Every field of every killmail, read back and compared with what ESI sent."""

from __future__ import annotations

import asyncpg
import orjson
import pytest

from db.intake.store import store_killmails
from db.killmails.filter import Viewer
from db.universe.names import store_names, store_solar_systems
from tests.api.compiled.plain_killmails import Known, plain_killmail
from tests.api.compiled.told import told, told_feed
from tests.db.bodies import Body, body, raw, real_killmails
from tests.paths import SHARED_DATA

ME, ALT = 90_000_001, 90_000_002


def strange_killmails() -> list[Body]:
    """Shapes the real ones may lack."""
    attackers: list[Body] = [
        {"damage_done": 0, "final_blow": True, "security_status": 0.30000000000000004},
        {"damage_done": 0, "final_blow": False, "security_status": 0, "weapon_type_id": 2**31 + 6},
        {"damage_done": 1, "final_blow": False, "security_status": -9.999999999999998, "faction_id": 500_021},
    ]
    held = {"item_type_id": 34, "flag": 0, "singleton": 0, "quantity_dropped": 2**53 - 1}
    items: list[Body] = [
        {"item_type_id": 3467, "flag": 5, "singleton": 1, "quantity_destroyed": 1, "items": [held, held]},
        {"item_type_id": 2605, "flag": 5, "singleton": 2, "quantity_destroyed": 0},
        {"item_type_id": 2605, "flag": 5, "singleton": 2, "quantity_dropped": 3},
        {"item_type_id": 2605, "flag": 999, "singleton": 0},
        {"item_type_id": 2**31 + 5, "flag": 5, "singleton": 0, "quantity_dropped": 1},
    ]
    position = {"x": -1.7976931348623157e308, "y": 0.1, "z": 3}
    victim = {"ship_type_id": 35832, "damage_taken": 2**31, "items": items, "position": position}
    return [
        {**body(1), "attackers": attackers, "victim": victim},
        {**body(2), "attackers": []},
        {**body(3), "victim": {"ship_type_id": 670, "damage_taken": 0, "items": []}},
    ]


def participants_of(source: Body) -> list[int]:
    people = [source["victim"], *source["attackers"]]
    return [person["character_id"] for person in people if "character_id" in person]


async def assert_read_back(pool: asyncpg.Pool, sources: list[Body]) -> None:
    names: dict[int, str] = {}
    securities: dict[int, float] = {}
    for system in {source["solar_system_id"] for source in sources}:
        securities[system] = system / 7
    for source in sources:
        for person in [source["victim"], *source["attackers"]]:
            names |= {value: f"Name of {value}" for key, value in person.items() if key.endswith("_id")}
        names |= {source["solar_system_id"]: "System"}
    await store_killmails(pool, [raw(source) for source in sources])
    await store_names(pool, [(entity_id, "any", name) for entity_id, name in names.items()])
    await store_solar_systems(pool, [(system, security, None) for system, security in securities.items()])
    everyone = tuple({character_id for source in sources for character_id in participants_of(source)})
    by_id = {node["id"]: node for node in await told_feed(pool, Viewer(everyone), 1000)}
    bodies = {row[0]: orjson.loads(row[1]) for row in await pool.fetch("SELECT killmail_id, body FROM killmail_bodies")}
    assert bodies == {source["killmail_id"]: source for source in sources}
    known = Known(names, {system: (security, None) for system, security in securities.items()})
    for source in sources:
        want = plain_killmail(source, known)
        del want["nearestCelestial"], want["slots"]  # an export tells where, and not beside what; and what was fitted
        viewer = participants_of(source)
        if not viewer:  # nobody may see it, so it is in nobody's feed
            assert want["id"] not in by_id
            continue
        got = by_id[want["id"]]
        side = got.pop("side")
        assert got.pop("cursor")
        assert got == want
        assert side == ("VICTIM" if "character_id" in source["victim"] else "ATTACKER")
        alone = await told(pool, Viewer((viewer[-1],)), source["killmail_id"])
        assert alone is not None
        assert {name: value for name, value in alone.items() if name in want} == want


async def test_made_killmails_are_read_back_exactly(pool: asyncpg.Pool) -> None:
    sources = strange_killmails()
    sources[0]["attackers"][-1]["character_id"] = ME
    sources[2]["victim"]["character_id"] = ALT
    await assert_read_back(pool, sources)


async def test_real_killmails_are_read_back_exactly(pool: asyncpg.Pool) -> None:
    sources = real_killmails()
    if not sources:
        pytest.skip(f"no real killmails in {SHARED_DATA.name}/killmails beside the project: they were not compared")
    await assert_read_back(pool, sources)
