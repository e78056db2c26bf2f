"""Every field of every killmail, read back and compared with what ESI sent."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson
import pytest

from db.intake.store import store_killmails
from db.killmails.feed import Viewer, feed, killmail
from db.universe.names import store_names, store_solar_systems
from eve.security import security_class, shown_security
from eve.slots import slot_name
from tests.db.bodies import Body, body, raw, real_killmails
from tests.paths import SHARED_DATA

ME, ALT = 90_000_001, 90_000_002


# What is there besides the name, unknown here: tests/universe.
MORE: dict[str, dict[str, Any]] = {
    "character": {"birthday": None, "securityStatus": None},
    "corporation": {"ticker": None},
    "alliance": {"ticker": None},
    "faction": {},
    "type": {"group": None},
}


def named(kind: str, entity_id: int | None, names: dict[int, str]) -> dict[str, Any] | None:
    return None if entity_id is None else {"id": str(entity_id), "name": names.get(entity_id), **MORE[kind]}


def expected(source: Body, names: dict[int, str], securities: dict[int, float]) -> dict[str, Any]:
    """The killmail in the schema's shape, straight from ESI's."""

    def who(person: Body) -> dict[str, Any]:
        kinds = ("character", "corporation", "alliance", "faction")
        ship = named("type", person.get("ship_type_id"), names)
        return {**{kind: named(kind, person.get(f"{kind}_id"), names) for kind in kinds}, "ship": ship}

    def attacker(person: Body) -> dict[str, Any]:
        return {
            **who(person),
            "weapon": named("type", person.get("weapon_type_id"), names),
            "damageDone": person["damage_done"],
            "damageShare": None,
            "finalBlow": person["final_blow"],
            "securityStatus": person["security_status"],
        }

    def item(thing: Body) -> dict[str, Any]:
        return {
            "type": named("type", thing["item_type_id"], names),
            "flag": thing["flag"],
            "slot": slot_name(thing["flag"]),
            "quantityDestroyed": thing.get("quantity_destroyed"),
            "quantityDropped": thing.get("quantity_dropped"),
            "singleton": thing["singleton"],
            "items": [item(held) for held in thing.get("items", [])],
        }

    victim, system = source["victim"], source["solar_system_id"]
    return {
        "id": str(source["killmail_id"]),
        "time": source["killmail_time"],
        "solarSystem": {
            "id": str(system),
            "name": names.get(system),
            "securityStatus": securities.get(system),
            "security": shown_security(securities.get(system)),
            "securityClass": security_class(securities.get(system)),
            "wormholeClass": None,
            "constellation": None,
            "region": None,
        },
        "victim": {**who(victim), "damageTaken": victim["damage_taken"], "position": victim.get("position")},
        "attackers": [attacker(person) for person in source["attackers"]],
        "finalBlow": next((attacker(person) for person in source["attackers"] if person["final_blow"]), None),
        "attackerCount": len(source["attackers"]),
        "items": [item(thing) for thing in victim.get("items", [])],
        # Nobody has appraised them (tests/values).
        **dict.fromkeys(("topDamage", "value", "solo", "npc", "awox", "relatedKillmail")),
    }


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
    page = await feed(pool, Viewer(everyone), 1000, None, with_attackers=True, with_items=True)
    by_id = {node["id"]: node for node in page.nodes}
    bodies = {row[0]: orjson.loads(row[1]) for row in await pool.fetch("SELECT killmail_id, body FROM killmail_bodies")}
    assert bodies == {source["killmail_id"]: source for source in sources}
    for source in sources:
        want = expected(source, names, securities)
        viewer = participants_of(source)
        if not viewer:  # nobody may see it, so it is in nobody's feed
            assert want["id"] not in by_id
            continue
        got = by_id[want["id"]]
        side = got.pop("side")
        assert got == want
        assert side == ("VICTIM" if "character_id" in source["victim"] else "ATTACKER")
        alone = await killmail(pool, Viewer((viewer[-1],)), source["killmail_id"])
        assert alone is not None
        alone.pop("side")
        assert alone == want


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
