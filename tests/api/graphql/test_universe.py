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
async def test_the_page_shows_region_and_ticker_and_unknown_ids_as_such(browser: Browser) -> None:
    _, page = await browser.get("/killmails/1")
    assert "[&lt;T&gt;]" in page
    _, page = await browser.get("/")
    assert "The Forge" in page
    assert "Test Pilots" in page
    assert f"Unknown character {NOBODY}" in page
    assert 'class="sec sec-05"' in page
