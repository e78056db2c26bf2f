"""Places, groups and tickers over GraphQL and on the page; what nobody knows is shown by its id."""

from __future__ import annotations

import pytest

from tests.api.running_site import Browser, Site
from tests.db.bodies import body

ME, NOBODY = 90_000_001, 2_112_999_999
PARTY = "character { id name birthday securityStatus } corporation { name ticker } alliance { ticker }"


@pytest.fixture
async def me(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    await site.store(body(1, victim=ME, attackers=(NOBODY,)))
    await site.pool.execute(
        "INSERT INTO entities (entity_id, category, name) VALUES (98000001, 'corporation', 'Test Pilots'),"
        " (587, 'inventory_type', 'Rifter'), (31000005, 'solar_system', 'Thera');"
        "INSERT INTO corporation_details (corporation_id, ticker) VALUES (98000001, '<T>');"
        "INSERT INTO character_details (character_id, birthday, security_status)"
        " VALUES (90000001, '2009-05-01T10:00:00Z', -9.9);"
        "INSERT INTO types (type_id, group_id) VALUES (587, 25);"
        "INSERT INTO type_groups (group_id, category_id, name) VALUES (25, 6, 'Frigate');"
        "INSERT INTO type_categories (category_id, name) VALUES (6, 'Ship');"
        "INSERT INTO solar_systems (solar_system_id, security_status, constellation_id)"
        " VALUES (30000142, 0.45, 20000020);"
        "INSERT INTO constellations (constellation_id, region_id, name) VALUES (20000020, 10000002, 'Kimotoro');"
        "INSERT INTO regions (region_id, name, wormhole_class) VALUES (10000002, 'The Forge', 7);"
        "UPDATE users SET corporation_id = 98000001 WHERE character_id = 90000001"
    )


@pytest.mark.usefixtures("me")
async def test_graphql_tells_all_that_is_known(browser: Browser) -> None:
    told = await browser.data(
        f"{{ me {{ characters {{ corporation {{ name ticker }} }} }} killmail(id: 1) {{ victim {{ {PARTY}"
        " ship { name group { id name category { id name } } } }"
        f" finalBlow {{ {PARTY} ship {{ id name group {{ id }} }} }}"
        " solarSystem { name securityStatus security securityClass wormholeClass"
        " constellation { id name } region { id name } } } }"
    )
    assert told["me"]["characters"] == [{"corporation": {"name": "Test Pilots", "ticker": "<T>"}}]
    killmail = told["killmail"]
    assert killmail["solarSystem"] == {
        "name": None,
        "securityStatus": 0.45,
        "security": "0.5",
        "securityClass": "HIGH_SEC",
        "wormholeClass": None,
        "constellation": {"id": "20000020", "name": "Kimotoro"},
        "region": {"id": "10000002", "name": "The Forge"},
    }
    victim = killmail["victim"]
    assert victim["ship"]["group"] == {"id": "25", "name": "Frigate", "category": {"id": "6", "name": "Ship"}}
    assert victim["corporation"] == {"name": "Test Pilots", "ticker": "<T>"}
    assert (victim["character"]["birthday"], victim["character"]["securityStatus"]) == ("2009-05-01T10:00:00Z", -9.9)
    assert killmail["finalBlow"]["character"] == {
        "id": str(NOBODY),
        "name": None,
        "birthday": None,
        "securityStatus": None,
    }
    assert killmail["finalBlow"]["ship"] == {"id": "24692", "name": None, "group": None}


@pytest.mark.usefixtures("me")
async def test_a_corporation_names_its_ceo_and_counts_its_members(site: Site, browser: Browser) -> None:
    question = "{ corporation(id: 98000001) { name memberCount ceo { id name birthday securityStatus } } }"
    unknown = {"name": "Test Pilots", "memberCount": None, "ceo": None}
    assert (await browser.data(question))["corporation"] == unknown
    _, page = await browser.get("/corporations/98000001")
    assert "CEO" not in page
    await site.pool.execute(
        "UPDATE corporation_details SET ceo_id = 90000001, member_count = 1204 WHERE corporation_id = 98000001;"
        "INSERT INTO entities (entity_id, category, name) VALUES (90000001, 'character', 'Ada <Lead>')"
    )
    ceo = {"id": str(ME), "name": "Ada <Lead>", "birthday": "2009-05-01T10:00:00Z", "securityStatus": -9.9}
    assert (await browser.data(question))["corporation"] == {"name": "Test Pilots", "memberCount": 1204, "ceo": ceo}
    _, page = await browser.get("/corporations/98000001")
    assert f'CEO <a href="/characters/{ME}">Ada &lt;Lead&gt;</a>' in page
    assert "1,204 members" in page


@pytest.mark.usefixtures("me")
async def test_a_ship_has_the_slots_of_its_hull_and_of_its_subsystems(site: Site, browser: Browser) -> None:
    """What is in the cargo hold adds nothing, and what nobody knows is null."""
    question = "{ killmail(id: %s) { slots { high mid low rig subsystem service } } }"
    assert (await browser.data(question % 1))["killmail"]["slots"] is None
    cruiser = body(2, victim=ME, attackers=(NOBODY,))
    cruiser["victim"]["ship_type_id"] = 29984
    cruiser["victim"]["items"] = [
        {"item_type_id": type_id, "flag": flag, "singleton": 0, "quantity_destroyed": 1}
        for type_id, flag in ((45601, 125), (45602, 126), (45603, 5))
    ]
    await site.store(cruiser)
    await site.pool.execute(
        "INSERT INTO hull_slots (type_id, high, mid, low, rig, subsystem, service) VALUES"
        " (29984, 0, 0, 0, 3, 4, 0), (45601, 7, 0, 1, 0, 0, 0), (45602, 0, 4, 0, 0, 0, 0), (45603, 1, 1, 1, 0, 0, 0)"
    )
    told = (await browser.data(question % 2))["killmail"]["slots"]
    assert told == {"high": 7, "mid": 4, "low": 1, "rig": 3, "subsystem": 4, "service": 0}
    _, page = await browser.get("/killmails/2")
    assert "7 high slots (7 empty), 4 mid slots (4 empty), 1 low slot (1 empty), 3 rig slots (3 empty)" in page
    assert "2 empty subsystem slots" in page


@pytest.mark.usefixtures("me")
async def test_the_page_shows_region_and_ticker_and_unknown_ids_as_such(browser: Browser) -> None:
    _, page = await browser.get("/killmails/1")
    assert "[&lt;T&gt;]" in page
    _, page = await browser.get("/")
    assert "The Forge" in page
    assert "Test Pilots" in page
    assert f"Unknown character {NOBODY}" in page
    assert 'class="sec sec-05"' in page
