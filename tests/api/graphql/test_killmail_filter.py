"""`killmails` over GraphQL: its filter, its orders and its count."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.running_site import Browser, Site
from tests.db.bodies import body

ME, FRIEND, STRANGER, VICTIM = 90_000_010, 90_000_011, 90_000_020, 90_000_030
FEED = """
query Feed($first: Int = 50, $after: String, $filter: KillmailFilter, $orderBy: KillmailOrder) {
  killmails(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    nodes { id } pageInfo { hasNextPage endCursor } totalCount totalCountIsExact
  }
}
"""


@pytest.fixture
async def mine(site: Site, browser: Browser) -> None:
    """Signed in; five killmails of which the last is a stranger's own."""
    await browser.sign_in(await site.add_pilot(ME))
    await site.store(
        body(1, victim=ME, attackers=(STRANGER, FRIEND)),
        body(2, victim=VICTIM, attackers=(ME,), solar_system_id=30_002_187),
        body(3, victim=VICTIM, attackers=(ME, STRANGER)),
        body(4, victim=STRANGER, attackers=(ME,)),
        body(5, victim=STRANGER, attackers=(VICTIM,)),
    )
    for number, value in ((1, 5), (2, 7), (3, 6)):
        await site.pool.execute(
            "UPDATE killmails SET total_value = $2, destroyed_value = $2, dropped_value = 0, fitted_value = $2,"
            " price_date = '2026-01-01', solo = $3 WHERE killmail_id = $1",
            number,
            value * 10**9,
            number == 2,
        )


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, "4 3 2 1"),
        ({"characterId": str(STRANGER)}, "4 3 1"),
        ({"characterId": str(STRANGER), "side": "VICTIM"}, "4"),
        ({"characterId": str(STRANGER), "scope": "ACCOUNT"}, "4 3 1"),
        ({"side": "VICTIM"}, "1"),
        ({"attacker": {"characterId": str(STRANGER)}, "victim": {"characterId": str(VICTIM)}}, "3"),
        ({"participant": {"characterId": str(STRANGER)}, "side": "ATTACKER"}, "4 3"),
        ({"participant": {}}, "4 3 2 1"),
        ({"victim": {"shipTypeId": "587"}, "solarSystemId": "30002187"}, "2"),
        ({"corporationId": "98000002", "side": "VICTIM"}, ""),
        ({"corporationId": "98000001"}, "4 3 2 1"),
        ({"allianceId": "99000001"}, ""),
        ({"minValue": "6000000000", "maxValue": 6.5e9}, "3"),
        ({"minAttackers": 2, "maxAttackers": 2}, "3 1"),
        ({"since": "2026-01-01T00:02:00Z", "until": "2026-01-01T01:04:00+01:00"}, "3 2"),
        ({"solo": True}, "2"),
        ({"security": ["HIGH_SEC", "WORMHOLE"]}, ""),
        ({"security": []}, ""),
    ],
)
async def test_the_filter(browser: Browser, chosen: dict[str, Any], expected: str) -> None:
    found = (await browser.data(FEED, filter=chosen))["killmails"]
    assert " ".join(node["id"] for node in found["nodes"]) == expected
    assert (found["totalCount"], found["totalCountIsExact"]) == (len(expected.split()), True)


@pytest.mark.usefixtures("mine")
async def test_an_order_of_null_is_the_usual_one(browser: Browser) -> None:
    answers = [await browser.data(FEED, **chosen) for chosen in ({}, {"orderBy": None}, {"orderBy": "TIME"})]
    assert answers[0]["killmails"]["nodes"]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.usefixtures("mine")
async def test_by_value_page_by_page(browser: Browser) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = (await browser.data(FEED, first=2, after=after, orderBy="VALUE"))["killmails"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["2", "3", "1"]
    (error,) = (await browser.graphql(FEED, after=after))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "order" in error["message"]


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, "2 3 1"),
        ({"attacker": {"characterId": str(ME)}}, "2 3"),
        ({"solarSystemId": "30000142"}, "3 1"),
        ({"minValue": "6000000000"}, "2 3"),
        ({"maxValue": "6000000000"}, "3 1"),
        ({"minValue": "-1"}, "2 3 1"),
    ],
)
async def test_the_count_by_value_is_that_of_the_list(browser: Browser, chosen: dict[str, Any], expected: str) -> None:
    """The fourth killmail has no value."""
    found = (await browser.data(FEED, filter=chosen, orderBy="VALUE"))["killmails"]
    assert " ".join(node["id"] for node in found["nodes"]) == expected
    assert (found["totalCount"], found["totalCountIsExact"]) == (len(expected.split()), True)


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    "chosen",
    [
        {"allianceId": "Goons"},
        {"victim": {"shipGroupId": "0"}},
        {"minValue": "2", "maxValue": "1"},
        {"minValue": "a lot"},
        {"minValue": "1e999"},
        {"minValue": "1E999999999"},
        {"minValue": "0E+999999999"},
        {"minValue": "1E-20000"},
        {"maxValue": "0." + "1" * 41},
        {"minValue": True},
        {"maxValue": "NaN"},
        {"minAttackers": 3, "maxAttackers": 2},
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
        {"since": "2026-01-02T00:00:00"},
        {"since": "yesterday"},
        {"until": 1767225600},
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_in_words(browser: Browser, chosen: dict[str, Any]) -> None:
    answer = await browser.graphql(FEED, filter=chosen)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].endswith((".", '"'))


@pytest.mark.usefixtures("mine")
async def test_the_count_stops_and_says_so(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.killmails.pages.COUNTED", 3)
    monkeypatch.setattr("api.compiled.connection.COUNTED", 3)
    found = (await browser.data(FEED, first=1))["killmails"]
    assert (found["totalCount"], found["totalCountIsExact"]) == (3, False)


async def test_anonymous_callers_count_nothing(site: Site, browser: Browser) -> None:
    await site.store(body(1))
    found = (await browser.data(FEED, filter={"characterId": "90000001"}))["killmails"]
    assert found == {
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "endCursor": None},
        "totalCount": 0,
        "totalCountIsExact": True,
    }
