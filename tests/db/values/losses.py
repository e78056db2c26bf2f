"""A small world to appraise: a hull, some items, their prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg

from db.intake.store import store_killmails
from db.values.appraisal import appraise
from db.values.prices import store_snapshot
from tests.db.bodies import Body, body, raw

RIFTER, CONTAINER, BLUEPRINT, AMMO = 587, 3467, 691, 178
DAY = date(2026, 1, 1)
"""The day of killmails that `body` makes."""
PRICES = {RIFTER: "500000.10", CONTAINER: "1000", BLUEPRINT: "2000000", AMMO: "0.005"}
ME, YOU, NPC = 90_000_001, 90_000_002, 3_019_609
CARGO, HIGH, NO_SLOT = 5, 27, 0


async def price(pool: asyncpg.Pool, prices: dict[int, str], day: date = DAY) -> None:
    """Take these for ESI's average prices of a day."""
    await store_snapshot(pool, day, "", [(type_id, Decimal(isk), None) for type_id, isk in prices.items()])


def item(type_id: int, destroyed: int = 0, dropped: int = 0, **more: Any) -> Body:
    quantities = {"quantity_destroyed": destroyed, "quantity_dropped": dropped}
    return {
        "item_type_id": type_id,
        "flag": CARGO,
        "singleton": 0,
        **{name: quantity for name, quantity in quantities.items() if quantity},
        **more,
    }


def loss(*items: Body, hull: int = RIFTER, **more: Any) -> Body:
    """A killmail of that ship with these items."""
    killmail = body(1, victim=ME)
    killmail["victim"] |= {"ship_type_id": hull, "items": list(items), **more}
    return killmail


def shooter(character_id: int | None = YOU, final_blow: bool = False, damage: int = 100, **more: Any) -> Body:
    attacker = {"damage_done": damage, "final_blow": final_blow, "security_status": 0.0, "corporation_id": 98_000_002}
    if character_id is not None:
        attacker["character_id"] = character_id
    return {name: value for name, value in (attacker | more).items() if value is not None}


async def appraised(pool: asyncpg.Pool, killmail: Body) -> dict[str, Any]:
    """What is made of this killmail, stored under the next free id."""
    killmail_id = await pool.fetchval("SELECT coalesce(max(killmail_id), 0) + 1 FROM killmails")
    await store_killmails(pool, [raw({**killmail, "killmail_id": killmail_id})])
    await appraise(pool, [killmail_id])
    row = await pool.fetchrow("SELECT * FROM killmails WHERE killmail_id = $1", killmail_id)
    assert row is not None
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in row.items()}
