"""Battles over GraphQL: the caller's own, page by page, with who fought and what was lost."""

from __future__ import annotations

import pytest

from db.battles import read
from db.universe.names import store_names
from tests.api.running_site import Browser, Site
from tests.db.bodies import Body, body

ME, FRIEND, FOE = 90_000_010, 90_000_011, 90_000_020
BATTLES = """
query Battles($first: Int = 10, $after: String, $filter: BattleFilter) {
  battles(first: $first, after: $after, filter: $filter) {
    nodes { id startedAt killmailCount } edges { cursor node { id } } pageInfo { hasNextPage endCursor }
  }
}
"""
BATTLE = """
query One($id: ID!) {
  battle(id: $id) {
    id isWhole pilotCount iskDestroyed solarSystems { id }
    sides {
      parties { corporation { name } pilotCount } shipsLost iskLost iskDestroyed efficiency
      pilots(first: 1) { character { id } kills losses damageDone }
    }
    losses(first: 2, skip: 1) { id side character { id } value }
  }
}
"""


def fight(first: int, minute: int) -> list[Body]:
    """Two losses of the foe's, then one of ours."""
    return [
        body(first, victim=FOE, attackers=(ME, FRIEND), minute=minute),
        body(first + 1, victim=FOE, attackers=(ME,), minute=minute + 1),
        _turned(body(first + 2, victim=FRIEND, attackers=(FOE,), minute=minute + 2)),
    ]


def _turned(made: Body) -> Body:
    made["victim"]["corporation_id"], made["attackers"][0]["corporation_id"] = 98_000_002, 98_000_001
    return made


async def test_battles_of_the_caller(site: Site, browser: Browser) -> None:
    account_id = await site.add_pilot(ME)
    await site.add_pilot(FRIEND, account_id)
    await site.store(*fight(101, 0), *fight(201, 600), *fight(301, 1_200))
    await site.pool.execute("UPDATE killmails SET total_value = 1000.5 * (killmail_id % 100)")
    await store_names(site.pool, [(98_000_001, "corporation", "Them"), (98_000_002, "corporation", "Us")])
    nobodys = (await browser.data(BATTLES))["battles"]
    assert nobodys == {"nodes": [], "edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    assert (await browser.data(BATTLE, id="101"))["battle"] is None
    await browser.sign_in(account_id)

    page = (await browser.data(BATTLES, first=2))["battles"]
    assert [node["id"] for node in page["nodes"]] == ["301", "201"]
    assert page["nodes"][0] == {"id": "301", "startedAt": "2026-01-01T20:00:00Z", "killmailCount": 3}
    assert page["edges"][-1]["cursor"] == page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"]
    rest = (await browser.data(BATTLES, first=2, after=page["pageInfo"]["endCursor"]))["battles"]
    assert [node["id"] for node in rest["nodes"]] == ["101"]
    assert not rest["pageInfo"]["hasNextPage"]
    for chosen, ids in (
        ({"solarSystemId": "30000142", "until": "2026-01-01T10:00:00Z"}, ["101"]),
        ({"since": "2026-01-01T20:02:00Z"}, ["301"]),
        ({"solarSystemId": "30000144"}, []),
    ):
        found = (await browser.data(BATTLES, filter=chosen))["battles"]
        assert [node["id"] for node in found["nodes"]] == ids

    battle = (await browser.data(BATTLE, id="203"))["battle"]
    us = {"parties": [{"corporation": {"name": "Us"}, "pilotCount": 2}], "shipsLost": 1, "iskLost": "3001.50"}
    us |= {"iskDestroyed": "3001.50", "efficiency": 0.5}
    us |= {"pilots": [{"character": {"id": str(ME)}, "kills": 2, "losses": 0, "damageDone": 1000}]}
    them = {"parties": [{"corporation": {"name": "Them"}, "pilotCount": 1}], "shipsLost": 2, "iskLost": "3001.50"}
    them |= {"iskDestroyed": "3001.50", "efficiency": 0.5}
    them |= {"pilots": [{"character": {"id": str(FOE)}, "kills": 1, "losses": 2, "damageDone": 500}]}
    assert battle.pop("sides") == [them, us]
    assert battle == {
        "id": "201",
        "isWhole": True,
        "pilotCount": 3,
        "iskDestroyed": "6003.00",
        "solarSystems": [{"id": "30000142"}],
        "losses": [
            {"id": "202", "side": 0, "character": {"id": str(FOE)}, "value": "2001.00"},
            {"id": "203", "side": 1, "character": {"id": str(FRIEND)}, "value": "3001.50"},
        ],
    }


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"since": "0001-01-01T00:00:00Z"}, ["301", "201", "101"]),
        ({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}, ["301", "201", "101"]),
        ({"since": "9999-12-31T23:59:59Z"}, []),
        ({"until": "0001-01-01T00:00:00Z"}, []),
    ],
)
async def test_the_first_and_the_last_moment_there_are(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], expected: list[str]
) -> None:
    """Of a viewer with more killmails than one read takes, which ends with a loss to NPCs."""
    monkeypatch.setattr(read, "BATCH", 1)
    account_id = await site.add_pilot(ME)
    await site.add_pilot(FRIEND, account_id)
    to_npcs = body(401, victim=ME, minute=1_300)
    del to_npcs["attackers"][0]["character_id"], to_npcs["attackers"][0]["corporation_id"]
    await site.store(*fight(101, 0), *fight(201, 600), *fight(301, 1_200), to_npcs)
    await browser.sign_in(account_id)
    found = (await browser.data(BATTLES, filter=chosen))["battles"]
    assert [node["id"] for node in found["nodes"]] == expected
    assert not found["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    "asked",
    ["battles(first: 51)", "battles(first: 0)", 'battles(after: "x")', 'battles(filter: {solarSystemId: "-1"})'],
)
async def test_what_makes_no_sense_is_refused(browser: Browser, asked: str) -> None:
    answer = await browser.graphql(f"{{ {asked} {{ nodes {{ id }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
