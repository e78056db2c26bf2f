"""What pilots see of the universe: tickers, groups, places; over GraphQL and on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from db.intake.store import store_killmails
from db.killmails.filter import Viewer
from db.universe.exported import static_rows
from db.universe.known import KNOWN
from db.universe.static_data import load_static_data
from eve.security import security_class, shown_security, wormhole_class
from eve.static_data import StaticData
from tests.api.compiled.told import told
from tests.db.bodies import body, raw
from tests.db.killmails.plans import steps
from tests.operations.universe.static_data_export import small_export, write_directory

ME = 90_000_001


@pytest.fixture
async def static(pool: asyncpg.Pool, tmp_path: Path) -> None:
    with StaticData(write_directory(small_export(), tmp_path / "sde")) as export:
        await load_static_data(pool, static_rows(export, lambda *_: None), 1)


async def shown(pool: asyncpg.Pool, **more: Any) -> dict[str, Any]:
    await store_killmails(pool, [raw(body(1, victim=ME, **more))])
    node = await told(pool, Viewer((ME,)), 1)
    assert node is not None
    return node


@pytest.mark.usefixtures("static")
async def test_types_have_groups_and_categories(pool: asyncpg.Pool) -> None:
    items = [{"item_type_id": 2_500_000_587, "flag": 5, "singleton": 0, "quantity_destroyed": 1}]
    victim = {**body(1)["victim"], "character_id": ME, "ship_type_id": 587, "items": items}
    node = await shown(pool)
    assert node["victim"]["ship"] == {
        "id": "587",
        "name": "Rifter",
        "group": {"id": "25", "name": "Frigate", "category": {"id": "6", "name": "Ship"}},
    }
    assert node["finalBlow"]["weapon"] == {"id": "3057", "name": None, "group": None}
    await store_killmails(pool, [orjson.dumps({**body(2), "victim": victim})])
    other = await told(pool, Viewer((ME,)), 2)
    assert other is not None
    assert other["items"][0]["type"]["name"] == "A type beyond 31 bits"
    assert other["items"][0]["type"]["group"]["name"] == "Frigate"


@pytest.mark.usefixtures("static")
@pytest.mark.parametrize(
    ("system_id", "security", "rules", "region", "wormhole"),
    [
        (30000142, "0.9", "HIGH_SEC", "The Forge", None),
        (31000383, "-1.0", "NULL_SEC", "B-R00004", 2),
        (31000005, "-1.0", "NULL_SEC", "K-R00033", 12),  # its region says 1, and is wrong
        (30999999, "?", None, None, None),
    ],
)
async def test_systems_say_where_they_are(
    pool: asyncpg.Pool, system_id: int, security: str, rules: str | None, region: str | None, wormhole: int | None
) -> None:
    system = (await shown(pool, solar_system_id=system_id))["solarSystem"]
    assert (system["security"], system["securityClass"], system["wormholeClass"]) == (security, rules, wormhole)
    assert (system["region"] or {"name": None})["name"] == region


async def test_what_ids_stand_for_is_looked_up_by_index(pool: asyncpg.Pool) -> None:
    """However many types and people are known, a page reads only those it mentions."""
    await pool.execute(
        "INSERT INTO types (type_id, group_id) SELECT n, n % 1500 FROM generate_series(1, 50000) n;"
        "INSERT INTO type_groups (group_id, category_id, name) SELECT n, 6, 'g' FROM generate_series(0, 1499) n;"
        "INSERT INTO entities (entity_id, category, name)"
        " SELECT 90000000 + n, 'character', 'c' FROM generate_series(1, 50000) n;"
        "INSERT INTO character_details (character_id) SELECT 90000000 + n FROM generate_series(1, 50000) n;"
        "INSERT INTO corporation_details (corporation_id) SELECT 98000000 + n FROM generate_series(1, 50000) n;"
        "INSERT INTO hull_slots (type_id, high, mid, low, rig, subsystem, service)"
        " SELECT n, 8, 8, 8, 3, 0, 0 FROM generate_series(1, 50000) n;"
        "ANALYZE"
    )
    async with pool.acquire() as connection:
        await connection.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE known (bigint[]) AS {KNOWN}")
        plan = await connection.fetchval("EXPLAIN (FORMAT JSON) EXECUTE known (ARRAY[587, 90000001, 98000001])")
        await connection.execute("DEALLOCATE known")
    scanned = {
        step["Relation Name"] for step in steps(orjson.loads(plan)[0]["Plan"]) if step["Node Type"] == "Seq Scan"
    }
    assert scanned <= {"alliance_details", "type_groups", "type_categories"}


@pytest.mark.parametrize(
    ("status", "shown", "rules"),
    [
        (1.0, "1.0", "HIGH_SEC"),
        (0.45, "0.5", "HIGH_SEC"),
        (0.4499999, "0.4", "LOW_SEC"),
        (0.049, "0.1", "LOW_SEC"),
        (0.0000001, "0.1", "LOW_SEC"),
        (0.0, "0.0", "NULL_SEC"),
        (-0.0499, "0.0", "NULL_SEC"),
        (-0.99, "-1.0", "NULL_SEC"),
        (1e308, "10.0", "HIGH_SEC"),  # which has no tenths
        (None, "?", None),
    ],
)
def test_security_follows_eves_rules(status: float | None, shown: str, rules: str | None) -> None:
    assert (shown_security(status), security_class(status)) == (shown, rules)


@pytest.mark.parametrize(("said", "meant"), [(None, None), (7, None), (8, None), (9, None), (1, 1), (6, 6), (12, 12)])
def test_known_space_has_no_wormhole_class(said: int | None, meant: int | None) -> None:
    assert wormhole_class(said) == meant
