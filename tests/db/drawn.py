"""A hundred and twenty killmails drawn by a fixed seed, for tests that look at each of them a second time."""

from __future__ import annotations

import random
from decimal import Decimal

import asyncpg

from db.intake.store import store_killmails
from db.universe.names import store_solar_systems
from tests.db.bodies import Body, body, raw

ME, ALT, OTHER, CORPORATION = 90_000_001, 90_000_002, 90_000_005, 98_000_001
PILOTS = [ME, ALT, 90_000_003, 90_000_004, OTHER]
CORPORATIONS, ALLIANCES = [CORPORATION, 98_000_002, 98_000_003], [99_000_001, 99_000_002]
SHIPS = {587: 25, 588: 25, 24_692: 27, 670: 29}
SYSTEMS = {30_000_001: (0.9, 20_000_001), 30_000_002: (0.45, 20_000_001), 30_000_003: (0.3, 20_000_002)}
SYSTEMS |= {30_000_004: (-0.2, 20_000_003), 31_000_005: (-0.99, 21_000_001)}
REGIONS = {20_000_001: 10_000_001, 20_000_002: 10_000_001, 20_000_003: 10_000_002, 21_000_001: 11_000_001}


def made(dice: random.Random, killmail_id: int) -> Body:
    killmail = body(
        killmail_id, victim=dice.choice(PILOTS), attackers=tuple(dice.choices(PILOTS, k=dice.choice([1, 3])))
    )
    killmail["solar_system_id"] = dice.choice([*SYSTEMS, 30_000_009])  # nothing is known of the last
    for one in (killmail["victim"], *killmail["attackers"]):
        one["corporation_id"] = dice.choice(CORPORATIONS)
        if (alliance := dice.choice([None, *ALLIANCES])) is not None:
            one["alliance_id"] = alliance
        one["ship_type_id"] = dice.choice([*SHIPS])
    return killmail


async def store_drawn(pool: asyncpg.Pool) -> list[Body]:
    """Store them, with places, groups and appraisals; every seventh has no value."""
    dice = random.Random(4)  # noqa: S311 - a draw to repeat
    drawn = [made(dice, number) for number in range(1, 121)]
    await store_killmails(pool, [raw(one) for one in drawn])
    await store_solar_systems(pool, [(system, *told) for system, told in SYSTEMS.items()])
    await pool.executemany("INSERT INTO constellations (constellation_id, region_id) VALUES ($1, $2)", REGIONS.items())
    await pool.executemany("INSERT INTO types (type_id, group_id) VALUES ($1, $2)", SHIPS.items())
    for one in drawn:
        number = one["killmail_id"]
        one["appraisal"] = {
            "value": None if number % 7 == 0 else Decimal(number * 37 % 20) * Decimal("1000000.005"),
            "solo": dice.random() < 0.4,
            "npc": dice.random() < 0.2,
            "awox": dice.random() < 0.2,
        }
        await pool.execute(
            "UPDATE killmails SET total_value = $2, destroyed_value = $2, dropped_value = 0, fitted_value = $2,"
            " price_date = CASE WHEN $2::numeric IS NOT NULL THEN '2026-01-01'::date END,"
            " solo = $3, npc = $4, awox = $5 WHERE killmail_id = $1",
            number,
            *one["appraisal"].values(),
        )
    return drawn
