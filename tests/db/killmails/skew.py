"""Twenty thousand killmails, skewed like the game: busy pilots and quiet ones, crowded systems and empty ones."""

from __future__ import annotations

import asyncpg

KILLMAILS = 20_000
BUSY, QUIET, ALT = 95_000_001, 95_000_002, 95_000_003
CORPORATION, ALLIANCE = 98_500_000, 99_500_000
CROWDED, EMPTY = 30_000_001, 30_000_099
"""Systems: a fifth of all killmails, and ten of them."""
COMMON_SHIP, RARE_SHIP = 587, 11_567
COMMON_GROUP, RARE_GROUP = 25, 30

# Killmail n: minute n of the year 2026; BUSY (of CORPORATION) is an attacker on every second one, QUIET on one in a
# thousand and victim of one in four thousand.
_SEED = f"""
INSERT INTO killmails (
    killmail_id, killmail_time, solar_system_id, attacker_count, destroyed_value, dropped_value, fitted_value,
    total_value, price_date, priced_kinds, item_kinds, solo, npc, awox, damage_done, top_damage_ordinal
)
SELECT
    n, '2026-01-01Z'::timestamptz + n * interval '1 minute',
    CASE WHEN n % 2000 = 10 THEN {EMPTY} WHEN n % 5 = 0 THEN {CROWDED} ELSE 30000002 + n % 90 END,
    3, 0, 0, 0, (n::bigint * 7919 % {KILLMAILS}) * 1000000.25, '2026-01-01', 1, 1, n % 50 = 0, false, n % 2000 = 20,
    300, 1
FROM generate_series(1, {KILLMAILS}) AS n;
INSERT INTO killmail_bodies SELECT n, '{{}}' FROM generate_series(1, {KILLMAILS}) AS n;
INSERT INTO participants (
    killmail_id, ordinal, killmail_time, is_victim, character_id, corporation_id, alliance_id, ship_type_id, damage,
    final_blow
)
SELECT
    n, ordinal, '2026-01-01Z'::timestamptz + n * interval '1 minute', ordinal = 0,
    CASE
        WHEN ordinal = 1 AND n % 2 = 0 THEN {BUSY}
        WHEN ordinal = 2 AND n % 1000 = 30 OR ordinal = 0 AND n % 4000 = 30 THEN {QUIET}
        ELSE 91000000 + (n * 7 + ordinal) % 3000
    END,
    CASE WHEN ordinal = 1 AND n % 2 = 0 THEN {CORPORATION} ELSE 98000000 + (n * 7 + ordinal) % 300 END,
    CASE WHEN ordinal = 1 AND n % 2 = 0 THEN {ALLIANCE} ELSE 99000000 + (n * 7 + ordinal) % 30 END,
    CASE WHEN ordinal = 0 AND n % 2000 = 40 THEN {RARE_SHIP} ELSE {COMMON_SHIP} END, 100, ordinal = 1
FROM generate_series(1, {KILLMAILS}) AS n, generate_series(0, 3) AS ordinal;
INSERT INTO solar_systems (solar_system_id, security_status, constellation_id)
SELECT n, CASE WHEN n % 2 = 0 THEN 0.9 ELSE -0.3 END, 20000000 + n % 10 FROM generate_series(30000001, 30000099) AS n;
INSERT INTO constellations (constellation_id, region_id) SELECT n, 10000000 + n % 3
FROM generate_series(20000000, 20000009) AS n;
INSERT INTO types (type_id, group_id) VALUES ({COMMON_SHIP}, {COMMON_GROUP}), ({RARE_SHIP}, {RARE_GROUP});
"""  # noqa: S608 - made of constants


async def seed(database_url: str) -> None:
    """Fill an empty, migrated database and let Postgres look at it."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(_SEED)
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
