"""A world in which every name that anybody can choose holds markup, quotes, scripts' ends and marks of direction."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from db.accounts.api_keys import create_api_key
from db.accounts.sessions import Scope
from db.corporations.directors import follow, note_role
from db.intake.arrivals import record_arrivals
from db.universe.names import store_names, store_solar_systems
from db.values.prices import store_snapshot
from eve.sso.scopes import CORPORATION_SCOPES, KILLMAIL_SCOPE
from tests.api.running_site import Site
from tests.db.bodies import Body, body

ME, HUNTER, OPERATOR = 90_000_010, 90_000_020, 90_000_030
CORPORATION, ALLIANCE, FACTION = 98_000_001, 99_000_001, 500_001
SYSTEM, CONSTELLATION, REGION = 30_000_142, 20_000_020, 10_000_002
SHIP, WEAPON, ITEM, GROUP, CATEGORY = 587, 3057, 34, 25, 6
KILLMAIL = 5


def evil(kind: str) -> str:
    """A name that becomes an element, an attribute or a script wherever it is not text; `kind` says which it was."""
    return (
        f"{kind}<evil-{kind}>\"evil-a=\"1' evil-b='1 </script><script>evil()</script></title><img src=x onerror=evil()>"
        f"--> {{{{7*7}}}} javascript:evil() &lt;\u202e\u2066\u200f{kind}"
    )


def shown(kind: str) -> str:
    """The part of it by which it is found in a page's text."""
    return f"{kind}<evil-{kind}>"


def killmail(killmail_id: int) -> Body:
    """With everything on it that has a name."""
    made = body(killmail_id, victim=ME, attackers=(HUNTER,))
    made["killmail_time"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    one = {"corporation_id": CORPORATION, "alliance_id": ALLIANCE, "faction_id": FACTION, "ship_type_id": SHIP}
    made["victim"] |= {
        **one,
        "items": [{"item_type_id": ITEM, "flag": 27, "singleton": 0, "quantity_destroyed": 2}],
    }
    made["attackers"][0] |= {**one, "weapon_type_id": WEAPON}
    return made


async def fill(site: Site) -> int:
    """Returns the pilot's account."""
    pool = site.pool
    account_id = await site.add_pilot(ME, name=evil("pilot"))
    await site.add_pilot(OPERATOR, name=evil("operator"))
    await pool.execute(
        "UPDATE users SET corporation_id = $1, scopes = $2, sync_state = 'degraded',"
        """ sync_detail = jsonb_build_object('reason', $3::text)""",
        CORPORATION,
        [KILLMAIL_SCOPE, *CORPORATION_SCOPES],
        evil("detail"),
    )
    await follow(pool, ME)
    await note_role(pool, CORPORATION, ME)
    await create_api_key(pool, account_id, evil("key")[:60], {Scope.READ})
    named = {
        ME: ("character", "pilot"), HUNTER: ("character", "hunter"), CORPORATION: ("corporation", "corporation"),
        ALLIANCE: ("alliance", "alliance"), FACTION: ("faction", "faction"), SHIP: ("inventory_type", "ship"),
        WEAPON: ("inventory_type", "weapon"), ITEM: ("inventory_type", "item"), SYSTEM: ("solar_system", "system"),
    }  # fmt: skip
    await store_names(pool, [(number, category, evil(kind)) for number, (category, kind) in named.items()])
    await store_solar_systems(pool, [(SYSTEM, 0.9, CONSTELLATION)])
    for statement, *values in (
        ("INSERT INTO constellations (constellation_id, region_id, name) VALUES ($1, $2, $3)",
         CONSTELLATION, REGION, evil("constellation")),
        ("INSERT INTO regions (region_id, name) VALUES ($1, $2)", REGION, evil("region")),
        ("INSERT INTO types (type_id, group_id) VALUES ($1, $2)", SHIP, GROUP),
        ("INSERT INTO type_groups (group_id, category_id, name) VALUES ($1, $2, $3)", GROUP, CATEGORY, evil("group")),
        ("INSERT INTO type_categories (category_id, name) VALUES ($1, $2)", CATEGORY, evil("category")),
        ("INSERT INTO corporation_details (corporation_id, ticker, ceo_id, member_count) VALUES ($1, $2, $3, 2)",
         CORPORATION, evil("ticker"), HUNTER),
        ("INSERT INTO hull_slots (type_id, high, mid, low, rig, subsystem, service)"
         " VALUES ($1, 8, 8, 8, 3, 4, 8)", SHIP),
        ("INSERT INTO alliance_details (alliance_id, ticker) VALUES ($1, $2)", ALLIANCE, evil("flag")),
        ("INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, last_error, parked_at)"
         " VALUES (9, 'x', $1, $2, now())", ME, evil("error")),
        ("INSERT INTO zkillboard_imports (character_id, state, failure, finished_at, failed, failures)"
         " VALUES ($1, 'failed', $2::text, now(), 1, jsonb_build_object($2::text, 1))", ME, evil("import")),
        ("INSERT INTO sync_runs (character_id, kind, finished_at, listed, killmail_ids, new, failed, failures)"
         " VALUES ($1, 'first', now(), 1, '{9}', 1, 1, jsonb_build_object($2::text, 1))", ME, evil("run")),
        ("INSERT INTO admin_actions (by_character_id, action, subject, outcome) VALUES ($1, 'pause', 'all', $2)",
         OPERATOR, evil("outcome")),
        ("INSERT INTO login_events (outcome, character_id, network) VALUES ('logged_in', $1, $2)", ME, evil("network")),
    ):  # fmt: skip
        await pool.execute(statement, *values)
    await store_snapshot(pool, datetime.now(UTC).date(), "", [(SHIP, Decimal(10**6), None), (ITEM, Decimal(5), None)])
    await site.store(killmail(KILLMAIL))
    await pool.execute(
        "UPDATE killmails SET total_value = 1e6, destroyed_value = 1e6, dropped_value = 0, fitted_value = 0,"
        " price_date = '2026-01-01', priced_kinds = 1, item_kinds = 2, solo = true, npc = false, awox = false"
    )
    await record_arrivals(pool, [KILLMAIL])
    return account_id
