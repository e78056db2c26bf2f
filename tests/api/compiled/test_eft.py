"""The fit of a lost ship in the text that fitting tools take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.compiled.eft import READ, eft
from db.killmails.filter import Viewer
from db.killmails.rows import ByIdRead
from db.universe.names import store_names
from tests.api.running_site import Browser, Site
from tests.cases import case
from tests.db.bodies import body, real_killmails
from tests.paths import SHARED_DATA

ME = 90_000_010
NAMES = {
    587: "Rifter",
    484: "125mm Gatling AutoCannon I",
    185: "EMP S",
    2046: "Damage Control I",
    438: "1MN Afterburner I",
    31_071: "Small Projectile Burst Aerator I",
    2486: "Warrior I",
    34: "Tritanium",
    9_899: "Ocular Filter - Basic",
    29_984: "Tengu Core",
    35_832: "Astrahus",
}
GROUPS = {484: (55, 7), 185: (83, 8), 2046: (60, 7), 438: (46, 7)}


def item(type_id: int, flag: int, quantity: int = 1, *, dropped: bool = False) -> dict[str, Any]:
    return {
        "item_type_id": type_id,
        "flag": flag,
        "singleton": 0,
        "quantity_dropped" if dropped else "quantity_destroyed": quantity,
    }


@pytest.fixture
async def named(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    kinds = [(type_id, "inventory_type", name) for type_id, name in NAMES.items()]
    await store_names(site.pool, [*kinds, (ME, "character", "Ada Lovelace")])
    for type_id, (group_id, category_id) in GROUPS.items():
        await site.pool.execute("INSERT INTO types (type_id, group_id) VALUES ($1, $2)", type_id, group_id)
        await site.pool.execute(
            "INSERT INTO type_groups (group_id, category_id) VALUES ($1, $2)", group_id, category_id
        )
    await site.pool.execute("INSERT INTO type_categories (category_id) VALUES (7), (8)")


async def fit(site: Site, browser: Browser, items: list[dict[str, Any]]) -> str | None:
    killmail = body(1, victim=ME)
    killmail["victim"]["items"] = items
    await site.store(killmail)
    seen = await browser.data('{ killmail(id: "1") { eft } killmails { nodes { eft } } }')
    assert seen["killmails"]["nodes"] == [seen["killmail"]]
    text: str | None = seen["killmail"]["eft"]
    return text


@pytest.mark.usefixtures("named")
async def test_slots_charges_drones_and_cargo(site: Site, browser: Browser) -> None:
    text = await fit(
        site,
        browser,
        [
            item(34, 5, 100),
            item(34, 5, 20, dropped=True),
            item(2486, 87, 2),
            item(2486, 87, 1, dropped=True),
            item(185, 27, 80),
            item(484, 27),
            item(484, 29, dropped=True),
            item(185, 30, 7),  # the gun that held it is not on the killmail
            item(438, 19),
            item(2046, 12),
            item(31_071, 92),
            item(34, 155, 5),  # a fleet hangar is no part of a fit
        ],
    )
    assert text == (
        "[Rifter, Ada Lovelace 2026-01-01]\n\n"
        "Damage Control I\n[Empty Low slot]\n\n"
        "1MN Afterburner I\n\n"
        "125mm Gatling AutoCannon I, EMP S\n125mm Gatling AutoCannon I\n[Empty High slot]\n\n"
        "Small Projectile Burst Aerator I\n\n\n"
        "Warrior I x3\n\n\n"
        "Tritanium x120\nEMP S x7\n"
    )


@pytest.mark.usefixtures("named")
async def test_what_is_unknown_and_what_is_empty(site: Site, browser: Browser) -> None:
    assert await fit(site, browser, []) == "[Rifter, Ada Lovelace 2026-01-01]\n"
    await site.pool.execute("DELETE FROM killmails")
    assert await fit(site, browser, [item(9_899, 89), item(29_984, 125)]) == (
        "[Rifter, Ada Lovelace 2026-01-01]\n\nTengu Core\n\n\nOcular Filter - Basic\n"
    )
    await site.pool.execute("DELETE FROM killmails")
    assert await fit(site, browser, [item(404, 27)]) is None


@pytest.mark.usefixtures("named")
async def test_without_categories_only_what_can_be_told_is_told(site: Site, browser: Browser) -> None:
    """`cases/eft_undecided.json`: the order of the items decided which of two was the module."""
    await site.pool.execute("DELETE FROM types")
    text = await fit(site, browser, [item(185, 27, 80), item(484, 27), item(2046, 12)])
    assert text is not None
    assert "125mm Gatling AutoCannon I, EMP S\n" in text, "a slot holds no eighty modules"
    assert "Damage Control I\n" in text, "what is alone in a slot is the module"
    await site.pool.execute("DELETE FROM killmails")
    assert await fit(site, browser, [item(185, 27), item(484, 27)]) is None

    (step,) = (step["add"]["killmail"] for step in case("eft_undecided") if "add" in step)
    undecided = step["victim"]["items"]
    script, booster = (one["item_type_id"] for one in undecided)
    names = [(script, "inventory_type", "Scan Resolution Script"), (booster, "inventory_type", "Sensor Booster II")]
    await store_names(site.pool, names)
    for items in (undecided, undecided[::-1]):
        await site.pool.execute("DELETE FROM killmails")
        await site.pool.execute("DELETE FROM types")
        assert await fit(site, browser, items) is None
        await site.pool.execute("INSERT INTO types (type_id, group_id) VALUES ($1, 83), ($2, 55)", script, booster)
        text = (await browser.data('{ killmail(id: "1") { eft } }'))["killmail"]["eft"]
        assert "\n\nSensor Booster II, Scan Resolution Script\n" in text
    await site.pool.execute("DELETE FROM killmails")
    two = await fit(site, browser, [item(484, 27), item(484, 27, dropped=True)])
    assert two is not None
    assert "125mm Gatling AutoCannon I\n125mm Gatling AutoCannon I\n" in two


async def test_every_real_loss_has_a_fit(site: Site) -> None:
    real = real_killmails()
    if not real:
        pytest.skip("the real killmails are not beside the project")
    await site.store(*real)
    await site.pool.execute(
        """INSERT INTO entities (entity_id, category, name)
        SELECT DISTINCT id, 'inventory_type', 'Type ' || id FROM (
            SELECT jsonb_path_query(body, 'lax $.victim.items.**.item_type_id')::bigint AS id FROM killmail_bodies
            UNION SELECT ship_type_id FROM participants WHERE ship_type_id IS NOT NULL
        ) AS mentioned"""
    )
    slice_of_types = json.loads((SHARED_DATA / "static-data-slice.json").read_text())
    kinds = [(int(type_id), one["group_id"], one["category_id"]) for type_id, one in slice_of_types["types"].items()]
    await site.pool.executemany("INSERT INTO types (type_id, group_id) VALUES ($1, $2)", [kind[:2] for kind in kinds])
    groups = {group_id: category_id for _, group_id, category_id in kinds}
    await site.pool.executemany("INSERT INTO type_groups (group_id, category_id) VALUES ($1, $2)", groups.items())
    await site.pool.executemany(
        "INSERT INTO type_categories (category_id) VALUES ($1)", [(one,) for one in set(groups.values())]
    )
    for one in real:
        who = one["victim"].get("character_id") or one["victim"].get("corporation_id")
        page = await site.services.compiled.page(READ, ByIdRead(Viewer((who,), (who,)), [one["killmail_id"]]))
        (node,) = page.killmails()
        text = eft(node)
        assert text is not None
        assert text.startswith(f"[Type {one['victim']['ship_type_id']}, ")
        for line in text.splitlines()[1:]:
            assert not line or line.startswith(("Type ", "[Empty ")), line
