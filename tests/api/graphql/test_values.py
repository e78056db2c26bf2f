"""Values, flags and related losses as the API and the page show them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from db.killmails.filter import Viewer
from db.values.appraisal import appraise
from db.values.prices import store_snapshot
from tests.api.compiled.told import told
from tests.api.running_site import Browser, Site
from tests.db.bodies import Body, body
from tests.db.values.then import keep, window

ME, ENEMY, FRIEND, STRANGER = 90_000_001, 90_000_002, 90_000_003, 90_000_009
DAY = date(2026, 1, 1)
PRICES = (
    "{ killmail(id: ID) { value { ship shipPriceDate shipPriceNote }"
    " items { type { id } price value priceDate priceNote } } }"
)
VALUE = "value { destroyed dropped fitted total priceDate priceSource pricedKinds itemKinds }"


@pytest.fixture
async def me(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME))


async def appraised(site: Site, *bodies: Body) -> None:
    await site.store(*bodies)
    await appraise(site.pool, [body["killmail_id"] for body in bodies])


async def take_prices(site: Site) -> None:
    rows = [(587, Decimal("1234567.891"), None), (34, None, Decimal("4.05"))]
    await store_snapshot(site.pool, DAY, "", [(type_id, average, adjusted) for type_id, average, adjusted in rows])


def with_items(lost: Body) -> Body:
    items = [
        {"item_type_id": 34, "flag": 5, "singleton": 0, "quantity_dropped": 1000},
        {"item_type_id": 691, "flag": 5, "singleton": 2, "quantity_destroyed": 1},
    ]
    lost["victim"]["items"] = items
    return lost


@pytest.mark.usefixtures("me")
async def test_a_value_is_exact_and_says_what_it_rests_on(site: Site, browser: Browser) -> None:
    await appraised(site, body(1, victim=ME))
    query = f"{{ killmail(id: 1) {{ {VALUE} }} }}"
    assert (await browser.data(query))["killmail"]["value"] is None  # there are no prices
    await take_prices(site)
    await appraised(site, with_items(body(2, victim=ME)))
    assert (await browser.data(query.replace("1", "2", 1)))["killmail"]["value"] == {
        "destroyed": "1234567.89",
        "dropped": "4050.00",
        "fitted": "1234567.89",
        "total": "1238617.89",
        "priceDate": "2026-01-01",
        "priceSource": "ESI",
        "pricedKinds": 2,
        "itemKinds": 3,
    }
    told = (await browser.data(PRICES.replace("ID", "2")))["killmail"]
    assert told["value"] == {"ship": "1234567.89", "shipPriceDate": "2026-01-01", "shipPriceNote": None}
    no_price = {"price": None, "value": None, "priceDate": None}
    assert told["items"] == [
        {"type": {"id": "34"}, "price": "4.05", "value": "4050.00", "priceDate": "2026-01-01", "priceNote": None},
        {"type": {"id": "691"}, **no_price, "priceNote": "BLUEPRINT_COPY"},
    ]


@pytest.mark.usefixtures("me")
async def test_an_old_loss_says_whose_price_of_which_day_each_line_has(site: Site, browser: Browser) -> None:
    first = DAY + timedelta(100)
    await store_snapshot(site.pool, first, "", [(34, Decimal(5), None)])
    usual = {f"back_{back}": {587: 100_00} for back in (1, 2, 3, 4, 5)}
    await keep(site.pool, window(**usual, back_0={587: 900_00}))
    await appraised(site, with_items(body(1, victim=ME)))
    told = (await browser.data(PRICES.replace("ID", "1")))["killmail"]
    assert told["value"] == {"ship": "400.00", "shipPriceDate": "2026-01-01", "shipPriceNote": "CAPPED"}
    assert told["items"][0]["priceDate"] == str(first)
    value = (await browser.data(f"{{ killmail(id: 1) {{ {VALUE} }} }}"))["killmail"]["value"]
    assert (value["total"], value["priceDate"], value["priceSource"]) == ("5400.00", "2026-01-01", "THE_FORGE")
    _, page = await browser.get("/killmails/1")
    assert "The Forge&#39;s average prices on 2026-01-01" in page
    assert "price capped at 4 times the 90-day median" in page
    assert f"price of {first}" in page


@pytest.mark.usefixtures("me")
async def test_flags_damage_and_groups(site: Site, browser: Browser) -> None:
    fight = body(1, victim=ME, attackers=(ENEMY, FRIEND, STRANGER))
    first, second, third = fight["attackers"]
    first |= {"damage_done": 100, "alliance_id": 99_000_001}
    second |= {"damage_done": 700, "corporation_id": 98_000_003}
    third |= {"damage_done": 200}
    del third["ship_type_id"]
    await appraised(site, fight, body(2, victim=ENEMY, attackers=(ME,)))
    group = "attackers damageDone"
    asked = f"""nodes {{
        id solo npc awox topDamage {{ character {{ id }} damageShare }} finalBlow {{ damageShare }}
        attackerGroups {{
            ships {{ ship {{ id }} {group} }}
            corporations {{ corporation {{ id }} {group} }}
            alliances {{ alliance {{ id }} {group} }}
        }}
    }}"""
    alone, together = (await browser.data(f"{{ killmails {{ {asked} }} }}"))["killmails"]["nodes"]
    assert (alone["solo"], alone["npc"], alone["awox"]) == (True, False, False)
    assert alone["topDamage"] == {"character": {"id": str(ME)}, "damageShare": 1.0}
    assert together["solo"] is False
    assert together["topDamage"] == {"character": {"id": str(FRIEND)}, "damageShare": 0.7}
    assert together["finalBlow"] == {"damageShare": 0.1}
    groups: dict[str, list[dict[str, Any]]] = together["attackerGroups"]
    assert groups["ships"] == [{"ship": {"id": "24692"}, "attackers": 2, "damageDone": 800}]
    assert groups["corporations"] == [
        {"corporation": {"id": "98000002"}, "attackers": 2, "damageDone": 300},
        {"corporation": {"id": "98000003"}, "attackers": 1, "damageDone": 700},
    ]
    assert groups["alliances"] == [{"alliance": {"id": "99000001"}, "attackers": 1, "damageDone": 100}]


def pod(lost: Body) -> Body:
    lost["victim"]["ship_type_id"] = 670
    return lost


RELATED = "{ killmails { nodes { id relatedKillmail { id time ship { id } } } } }"


async def related(browser: Browser) -> dict[str, str]:
    """Each killmail that has one, and its related one."""
    nodes = (await browser.data(RELATED))["killmails"]["nodes"]
    return {node["id"]: node["relatedKillmail"]["id"] for node in nodes if node["relatedKillmail"]}


@pytest.mark.usefixtures("me")
async def test_a_ship_and_the_pod_after_it_are_linked_both_ways(site: Site, browser: Browser) -> None:
    await site.store(pod(body(2, victim=ME, minute=10)))  # the pod is known first
    assert await related(browser) == {}
    await site.store(body(1, victim=ME, minute=0), body(3, victim=ME, minute=11), body(4, victim=STRANGER, minute=9))
    assert await related(browser) == {"1": "2", "2": "1"}
    one = (await browser.data("{ killmail(id: 2) { relatedKillmail { id time ship { id } } } }"))["killmail"]
    assert one["relatedKillmail"] == {"id": "1", "time": "2026-01-01T00:00:00Z", "ship": {"id": "587"}}


@pytest.mark.usefixtures("me")
async def test_what_is_not_linked(site: Site, browser: Browser) -> None:
    elsewhere = pod(body(4, victim=ME, minute=101))
    elsewhere["solar_system_id"] = 30_000_144
    await site.store(
        *(body(1, victim=ME, minute=0), pod(body(2, victim=ME, minute=11))),  # too late
        *(body(3, victim=ME, minute=100), elsewhere),
        *(body(5, victim=ME, minute=200), pod(body(6, victim=FRIEND, minute=201))),  # another pilot's
        *(body(7, victim=ME, minute=300), body(8, victim=ME, minute=301), pod(body(9, victim=ME, minute=302))),
        *(pod(body(10, victim=ME, minute=400)), body(11, victim=ME, minute=401)),  # the pod came first
    )
    assert await related(browser) == {"8": "9", "9": "8"}  # only the ship right before the pod


@pytest.mark.usefixtures("me")
async def test_a_related_loss_the_caller_may_not_see_is_not_named(site: Site, browser: Browser) -> None:
    ship, seen = body(1, victim=ENEMY, attackers=(ME,), minute=0), body(3, victim=STRANGER, attackers=(ME,), minute=0)
    await site.store(ship, pod(body(2, victim=ENEMY, attackers=(FRIEND,), minute=1)))
    await site.store(seen, pod(body(4, victim=STRANGER, attackers=(ME,), minute=1)))
    assert await related(browser) == {"3": "4", "4": "3"}


async def test_a_board_links_the_losses_on_it(site: Site) -> None:
    other_corporation = pod(body(2, victim=ENEMY, minute=1))
    other_corporation["victim"]["corporation_id"] = 98_000_009
    other_corporation["attackers"][0]["corporation_id"] = 98_000_009
    await site.store(body(1, victim=ENEMY, minute=0), other_corporation)
    of_both = Viewer((), (98_000_001, 98_000_009))
    for viewer, linked in ((of_both, "2"), (Viewer((), (98_000_001,)), None)):
        found = await told(site.pool, viewer, 1)
        assert found is not None
        related_loss = found["relatedKillmail"]
        assert (related_loss and related_loss["id"]) == linked


@pytest.mark.usefixtures("me")
async def test_the_feed_shows_a_value_short_and_in_full(site: Site, browser: Browser) -> None:
    await take_prices(site)
    await appraised(site, with_items(body(1, victim=ENEMY, attackers=(ME,))))
    await appraised(site, body(2, victim=ENEMY, attackers=(ME, FRIEND)))
    _, page = await browser.get("/")
    assert '<data value="1238617.89" class="worth-m" title="1,238,617.89 ISK">1.24m</data>' in page
    assert page.count("2/3 priced</span>") == 1  # the other is priced in full
    assert page.count('<span class="flag"') == page.count(">solo</span>") == 1
    assert "Not priced yet" not in page
