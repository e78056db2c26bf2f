"""Real bodies from a directory are served to the pilots named in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.paths import SHARED_DATA
from tests.sandbox.caller import KILLMAIL_SCOPE, Caller

CORPUS = SHARED_DATA / "killmails"

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="left out: the real killmails of shared/data/killmails are not on this machine"
)


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(killmails_directory=CORPUS)


def corpus() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(CORPUS.glob("*.json")) if path.stem.isdigit()]


async def test_each_is_listed_to_its_victim_and_final_blow_and_served_as_it_is(caller: Caller) -> None:
    page = await caller.get("/v2/oauth/authorize", params=caller.authorization(KILLMAIL_SCOPE))
    for body in corpus():
        killmail_hash = body.pop("killmail_hash")
        served = await caller.get(f"/killmails/{body['killmail_id']}/{killmail_hash}")
        assert served.json == body
        final = next(attacker for attacker in body["attackers"] if attacker["final_blow"])
        for side in (body["victim"], final):
            if character_id := side.get("character_id"):
                assert f'value="{character_id}"' in page.text
                assert body["killmail_id"] in caller.eve.listed_killmail_ids(character_id)


async def test_their_pilots_can_log_in_and_are_shown_old_killmails(caller: Caller) -> None:
    body = next(body for body in corpus() if "character_id" in body["victim"])
    character_id = body["victim"]["character_id"]
    token = (await caller.log_in(character_id, KILLMAIL_SCOPE))["access_token"]
    listed = (await caller.get(f"/characters/{character_id}/killmails/recent", token)).json
    assert {"killmail_id": body["killmail_id"], "killmail_hash": body["killmail_hash"]} in listed
    affiliation = (await caller.post("/characters/affiliation", json=[character_id])).json
    assert affiliation[0]["corporation_id"]


async def test_everything_in_them_has_a_name(caller: Caller) -> None:
    ids: set[int] = set()
    systems: set[int] = set()
    for body in corpus():
        systems.add(body["solar_system_id"])
        for side in (body["victim"], *body["attackers"]):
            ids |= {one for key, one in side.items() if key.endswith("_id")}
        for item in body["victim"].get("items", ()):
            ids |= {item["item_type_id"], *(inner["item_type_id"] for inner in item.get("items", ()))}
    every = sorted(ids | systems)
    for start in range(0, len(every), 1000):
        assert (await caller.post("/universe/names", json=every[start : start + 1000])).status == 200
    for system_id in systems:
        assert (await caller.get(f"/universe/systems/{system_id}")).json["name"]


async def test_the_made_up_pilots_come_first(caller: Caller) -> None:
    assert len(caller.eve.references(caller.eve.pilots[0].character_id)) == 150
    assert len(caller.eve.pilots) > 100


async def test_a_directory_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        SandboxEve(SandboxOptions(killmails_directory=CORPUS / "nowhere"))
