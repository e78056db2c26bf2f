"""The bodies of made-up killmails have the shapes of real ones."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import aiohttp
import pytest

from sandbox.eve.fits import ALL as FITS
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.sandbox.caller import Caller


def everything(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(inner for one in value.values() for inner in everything(one))]
    if isinstance(value, list):
        return [inner for one in value for inner in everything(one)]
    return [value]


@pytest.fixture(scope="module")
def bodies() -> list[dict[str, Any]]:
    return [killmail.parsed() for killmail in SandboxEve(SandboxOptions()).world.killmails]


def test_each_has_one_final_blow_and_damage_that_sums_up(bodies: list[dict[str, Any]]) -> None:
    for body in bodies:
        attackers = body["attackers"]
        assert sum(attacker["final_blow"] for attacker in attackers) == 1
        damage = [attacker["damage_done"] for attacker in attackers]
        assert sum(damage) == body["victim"]["damage_taken"]
        assert damage == sorted(damage, reverse=True)
        characters = [attacker["character_id"] for attacker in attackers if "character_id" in attacker]
        assert len(characters) == len(set(characters))
        assert body["victim"].get("character_id") not in characters


def test_what_does_not_apply_is_absent_and_never_null(bodies: list[dict[str, Any]]) -> None:
    assert not any(value is None for body in bodies for value in everything(body))


def test_every_awkward_shape_is_there(bodies: list[dict[str, Any]]) -> None:
    shapes: Counter[str] = Counter()
    for body in bodies:
        victim, attackers = body["victim"], body["attackers"]
        shapes["victim without character"] += "character_id" not in victim
        shapes["no position, and old"] += "position" not in victim and body["killmail_time"] < "2015-11-02"
        shapes["no item list"] += "items" not in victim
        shapes["empty item list"] += victim.get("items") == []
        shapes["capsule"] += victim["ship_type_id"] == 670
        shapes["structure"] += victim["ship_type_id"] in (35832, 35833)
        shapes["NPCs alone"] += not any("character_id" in one for one in attackers)
        shapes["final blow by an NPC, with a player"] += any(
            one["final_blow"] and "character_id" not in one for one in attackers
        ) and any("character_id" in one for one in attackers)
        shapes["solo"] += len(attackers) == 1
        shapes["hundreds of attackers"] += len(attackers) > 300
        shapes["attacker without ship"] += any("ship_type_id" not in one for one in attackers)
        shapes["attacker without weapon"] += any("weapon_type_id" not in one for one in attackers)
        shapes["attacker of a faction"] += any("faction_id" in one for one in attackers)
        shapes["nested items"] += any("items" in item for item in victim.get("items", ()))
        shapes["blueprint copy"] += any(item["singleton"] == 2 for item in victim.get("items", ()))
        stacks = Counter((item["item_type_id"], item["flag"]) for item in victim.get("items", ()))
        shapes["a stack in two parts"] += any(count > 1 for count in stacks.values())
        shapes["war"] += "war_id" in body
    assert not [shape for shape, count in shapes.items() if count == 0]


def test_each_stack_was_destroyed_or_dropped_and_not_both(bodies: list[dict[str, Any]]) -> None:
    for body in bodies:
        items = body["victim"].get("items", [])
        inside = [inner for item in items for inner in item.get("items", ())]
        for item in [*items, *inside]:
            assert ("quantity_destroyed" in item) != ("quantity_dropped" in item)


async def test_lists_show_a_killmail_to_its_victim_and_its_final_blow(eve: SandboxEve) -> None:
    for pilot in eve.pilots[:4]:
        for reference in eve.references(pilot.character_id):
            body = eve.killmail(reference.killmail_id)
            players = [one for one in body["attackers"] if "character_id" in one]
            final = [one["character_id"] for one in players if one["final_blow"]]
            shown = [body["victim"].get("character_id"), *(final or [one["character_id"] for one in players])]
            assert pilot.character_id in shown


async def test_not_every_attacker_is_shown_the_killmail(eve: SandboxEve) -> None:
    first = eve.pilots[0].character_id
    listed = set(eve.listed_killmail_ids(first))
    bystander = [
        killmail
        for killmail in eve.world.killmails
        if any(attacker.get("character_id") == first for attacker in killmail.parsed()["attackers"])
        and killmail.killmail_id not in listed
        and killmail.time > eve.world.founded - 80 * 86_400
    ]
    assert bystander


async def test_a_body_is_for_whoever_knows_its_hash(caller: Caller) -> None:
    reference = caller.eve.references(caller.eve.pilots[0].character_id)[0]
    answer = await caller.get(f"/killmails/{reference.killmail_id}/{reference.killmail_hash}")
    assert answer.status == 200
    assert answer.json == caller.eve.killmail(reference.killmail_id)
    assert "killmail_hash" not in answer.json
    assert answer.headers["X-Ratelimit-Limit"] == "3600/15m"
    for wrong in (f"{reference.killmail_id}/{'0' * 40}", f"1/{reference.killmail_hash}"):
        refused = await caller.get(f"/killmails/{wrong}")
        assert (refused.status, refused.json) == (422, {"error": "Invalid killmail_id and/or killmail_hash"})


async def test_everything_in_a_body_has_a_name(caller: Caller) -> None:
    named = {"character_id", "corporation_id", "alliance_id", "faction_id", "ship_type_id", "weapon_type_id"}
    named |= {"item_type_id", "solar_system_id"}
    ids: set[int] = set()
    for reference in caller.eve.references(caller.eve.pilots[0].character_id):
        for value in everything(caller.eve.killmail(reference.killmail_id)):
            if isinstance(value, dict):
                ids |= {one for key, one in value.items() if key in named}
    answer = await caller.post("/universe/names", json=sorted(ids)[:1000])
    assert answer.status == 200
    assert {row["id"] for row in answer.json} == set(sorted(ids)[:1000])


async def test_150_bodies_at_once_take_little_more_than_the_latency() -> None:
    async with SandboxEve(SandboxOptions(latency_seconds=0.1)) as eve, aiohttp.ClientSession() as session:
        caller = Caller(eve, session)
        references = eve.references(eve.pilots[0].character_id)

        async def body(number: int) -> int:
            one = references[number]
            return (await caller.get(f"/killmails/{one.killmail_id}/{one.killmail_hash}")).status

        started = time.perf_counter()
        statuses = await asyncio.gather(*(body(number) for number in range(150)))
        assert set(statuses) == {200}
        # One after another they would take 15 s.
        assert time.perf_counter() - started < 5


def test_ships_are_fitted_as_pilots_fit_them(bodies: list[dict[str, Any]]) -> None:
    fits = {one.hull: one for one in FITS}
    assert len(fits) >= 40
    lost = [body["victim"] for body in bodies if body["victim"]["ship_type_id"] in fits and body["victim"].get("items")]
    assert {one["ship_type_id"] for one in lost} == fits.keys(), "each of them is lost now and then"
    for victim in lost:
        fit = fits[victim["ship_type_id"]]
        for first, rack in ((11, fit.low), (19, fit.medium), (27, fit.high)):
            for slot, module in enumerate(rack):
                there = {one["item_type_id"] for one in victim["items"] if one["flag"] == first + slot}
                assert module.type_id in there
                assert there <= {module.type_id, module.charge}
        assert not any(one["flag"] in range(11 + len(fit.low), 19) for one in victim["items"])
    assert not any(
        "quantity_dropped" in one for body in bodies for one in body["victim"].get("items", ()) if one["flag"] == 89
    ), "implants never drop"
