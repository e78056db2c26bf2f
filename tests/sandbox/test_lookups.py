"""ESI's lookups, zKillboard and the images."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.sandbox.caller import Caller


async def test_names_are_all_or_nothing(caller: Caller) -> None:
    pilot = caller.eve.pilots[0]
    expected = {
        pilot.character_id: "character",
        pilot.corporation_id: "corporation",
        587: "inventory_type",
        30000142: "solar_system",
        20000020: "constellation",
        10000002: "region",
        500001: "faction",
        1000125: "corporation",
    }
    ids = list(expected)
    answer = await caller.post("/universe/names", json=ids)
    assert {row["id"]: row["category"] for row in answer.json} == expected
    assert (await caller.post("/universe/names", json=[*ids, 424242])).status == 404


@pytest.mark.parametrize("body", [[], [1, 1], list(range(1001)), ["587"], [True], {"ids": [587]}])
@pytest.mark.parametrize("path", ["/universe/names", "/characters/affiliation"])
async def test_a_bulk_lookup_takes_1_to_1000_unique_ids(caller: Caller, path: str, body: object) -> None:
    assert (await caller.post(path, json=body)).status == 400


async def test_affiliations(caller: Caller) -> None:
    pilots = caller.eve.pilots
    answer = await caller.post("/characters/affiliation", json=[pilot.character_id for pilot in pilots])
    assert {(row["character_id"], row["corporation_id"], row.get("alliance_id")) for row in answer.json} == {
        (pilot.character_id, pilot.corporation_id, pilot.alliance_id) for pilot in pilots
    }
    assert (await caller.post("/characters/affiliation", json=[90000000])).status == 404


async def test_everything_leads_on_to_the_next(caller: Caller) -> None:
    async def get(path: str) -> dict[str, object]:
        answer = await caller.get(path)
        assert answer.status == 200, path
        assert isinstance(answer.json, dict)
        return answer.json

    pilot = await get(f"/characters/{caller.eve.pilots[0].character_id}")
    corporation = await get(f"/corporations/{pilot['corporation_id']}")
    alliance = await get(f"/alliances/{corporation['alliance_id']}")
    assert alliance["executor_corporation_id"]
    ship = await get("/universe/types/587")
    group = await get(f"/universe/groups/{ship['group_id']}")
    category = await get(f"/universe/categories/{group['category_id']}")
    assert (ship["name"], group["name"], category["name"]) == ("Rifter", "Frigate", "Ship")
    system = await get("/universe/systems/30000142")
    constellation = await get(f"/universe/constellations/{system['constellation_id']}")
    region = await get(f"/universe/regions/{constellation['region_id']}")
    assert (system["name"], constellation["name"], region["name"]) == ("Jita", "Kimotoro", "The Forge")


@pytest.mark.parametrize("kind", ["characters", "corporations", "alliances", "universe/types", "universe/systems"])
async def test_what_is_unknown_is_404(caller: Caller, kind: str) -> None:
    assert (await caller.get(f"/{kind}/424242")).status == 404
    assert (await caller.get(f"/{kind}/abc")).status in (400, 404)


async def test_roles_need_their_scope(caller: Caller) -> None:
    director, member = caller.eve.pilots[0], caller.eve.pilots[-1]
    scope = "esi-characters.read_corporation_roles.v1"
    for pilot, roles in ((director, ["Director"]), (member, [])):
        path = f"/characters/{pilot.character_id}/roles"
        answer = await caller.get(path, caller.eve.access_token(pilot.character_id, scope))
        assert answer.json["roles"] == roles
        assert (await caller.get(path, caller.eve.access_token(pilot.character_id))).status == 403


async def test_prices_and_status(caller: Caller) -> None:
    prices = (await caller.get("/markets/prices")).json
    assert {row["type_id"] for row in prices} >= {587, 34}
    assert (await caller.get("/status")).json["players"] > 1000


async def test_zkillboard_knows_every_attacker_and_all_years(caller: Caller) -> None:
    veteran = caller.eve.veteran.character_id
    pages = [(await caller.get(f"/api/characterID/{veteran}/page/{page}/")).json for page in range(1, 8)]
    assert [len(page) for page in pages[:5]] == [200] * 5
    assert pages[6] == []
    killmail_ids = [body["killmail_id"] for page in pages for body in page]
    assert len(set(killmail_ids)) == len(killmail_ids) > 1150, "ESI lists 1,150; they were on more"
    first = caller.eve.pilots[1].character_id
    found = (await caller.get(f"/api/characterID/{first}/")).json
    listed = set(caller.eve.listed_killmail_ids(first))
    assert listed < {body["killmail_id"] for body in found}, "zKillboard has more than ESI lists"
    for body in found:
        hash_ = body["zkb"]["hash"]
        assert (await caller.get(f"/killmails/{body['killmail_id']}/{hash_}")).status == 200
    losses = (await caller.get(f"/api/characterID/{first}/losses/")).json
    kills = (await caller.get(f"/api/characterID/{first}/kills/")).json
    assert {body["victim"]["character_id"] for body in losses} == {first}
    assert len(losses) + len(kills) == len(found)


async def test_zkillboard_leaves_out_the_youngest(caller: Caller) -> None:
    pilot = caller.eve.newcomer.character_id
    made = caller.eve.add_killmail(pilot).killmail_id

    async def newest() -> object:
        return (await caller.get(f"/api/characterID/{pilot}/")).json[0]["killmail_id"]

    assert await newest() != made
    caller.eve.advance(301)
    assert await newest() == made


@pytest.mark.parametrize(
    "path",
    ["characterID/1", "characterID/01/", "characterID/x/", "nonsense/", "", "page/2/", "characterID/1/page/101/"],
)
async def test_zkillboards_errors_are_200(caller: Caller, path: str) -> None:
    answer = await caller.get(f"/api/{path}")
    assert answer.status == 200
    assert set(answer.json) == {"error"}


async def test_zkillboard_refuses_query_strings(caller: Caller) -> None:
    assert (await caller.get("/api/characterID/1/", params={"page": 2})).status == 403


async def test_images_are_drawn(caller: Caller) -> None:
    for path in ("characters/1/portrait", "corporations/1/logo", "alliances/1/logo", "types/587/render"):
        answer = await caller.get(f"/images/{path}", params={"size": 32})
        assert answer.headers["Content-Type"].startswith("image/svg+xml")
        assert answer.text.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="32"')
    assert (await caller.get("/images/planets/1/icon")).status == 404
    kinds = [(await caller.get(f"/images/types/{one}/icon")).text.partition("<g ")[2] for one in (587, 621, 638, 2048)]
    assert len({one.partition(">")[2] for one in kinds}) == 4, "a frigate, a cruiser, a battleship and a module"


async def test_the_universe_fights_on_as_the_clock_runs() -> None:
    async with SandboxEve(SandboxOptions(killmails_per_hour=60)) as eve:
        before = len(eve.world.killmails)
        eve.advance(3_600)
        made = len(eve.world.killmails) - before
        assert 40 <= made <= 80
        newest = max(killmail.time for killmail in eve.world.killmails)
        assert 0 <= eve.world.clock.now() - newest < 200


async def test_fleets_meet_by_themselves_led_by_who_has_logged_in() -> None:
    async with SandboxEve(SandboxOptions(killmails_per_hour=1, battles_per_hour=60)) as eve:
        leader = eve.pilots[3]
        eve.world.grants.granted = lambda: [leader.character_id]  # type: ignore[method-assign]
        before = {killmail.killmail_id for killmail in eve.world.killmails}
        eve.advance(91)
        fought = [killmail for killmail in eve.world.killmails if killmail.killmail_id not in before]
        assert len(fought) >= 9
        assert all(eve.world.clock.now() - 3_600 < killmail.time < eve.world.clock.now() for killmail in fought)
        led = [one for one in fought if leader.character_id in {of["character_id"] for of in _players(one.parsed())}]
        assert len(led) >= 3
        assert len({killmail.parsed()["solar_system_id"] for killmail in fought}) <= 3
    async with SandboxEve(SandboxOptions(battles_per_hour=60)) as eve:
        before_it = len(eve.world.killmails)
        eve.advance(3_600)
        assert len(eve.world.killmails) == before_it, "where the universe does not fight on, fleets do not either"


def _players(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in (body["victim"], *body["attackers"]) if "character_id" in one]
