"""A made-up war in SQL: who there is, and any number of killmails, skewed like the game. The same every time.

A few pilots, corporations, ships and systems are on most killmails, most are on hardly any; a quarter are by one
pilot, a quarter pods, one in five hundred a blob, and one has 3,000 attackers. 8 attackers and 10 items on average.
"""

from __future__ import annotations

PILOTS, CORPORATIONS, ALLIANCES, SYSTEMS = 60_000, 3_000, 300, 5_000
FIRST_PILOT, FIRST_CORPORATION, FIRST_ALLIANCE = 90_000_000, 98_000_000, 99_000_000
FIRST_SYSTEM, FIRST_KILLMAIL = 30_000_000, 100_000_000
BUSIEST_PILOT, BUSIEST_CORPORATION = FIRST_PILOT, FIRST_CORPORATION
"""The pilot with the most killmails; the corporation with the most pilots."""
VIEWERS = 200
"""The busiest pilots have accounts. The first of them is a director of the busiest corporation."""
MOST_ATTACKERS = 3_000
SECONDS_APART = 94
"""From one killmail to the next."""


def crowded(killmails: int) -> int:
    """The id of the killmail with `MOST_ATTACKERS`, among so many."""
    return FIRST_KILLMAIL + killmails - killmails // 100


# What looks random is a hash: the same on every machine, in any order, on several connections at once.
FUNCTIONS = f"""
CREATE SCHEMA war;
CREATE FUNCTION war.chance(thing bigint, what int) RETURNS double precision IMMUTABLE PARALLEL SAFE LANGUAGE sql
    AS 'SELECT ((hashint8extended(thing, what) >> 11) & 4503599627370495) / 4503599627370496.0::float8';
CREATE FUNCTION war.pilot(thing bigint, what int) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql
    AS 'SELECT {FIRST_PILOT} + floor({PILOTS} * power(war.chance(thing, what), 3))::bigint';
CREATE FUNCTION war.corporation(pilot bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql
    AS 'SELECT {FIRST_CORPORATION} + CASE WHEN pilot = {FIRST_PILOT} THEN 0
        ELSE floor({CORPORATIONS} * power(war.chance(pilot, 901), 2))::bigint END';
CREATE FUNCTION war.alliance(corporation bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql
    AS 'SELECT CASE WHEN war.chance(corporation, 902) < 0.7
        THEN {FIRST_ALLIANCE} + floor({ALLIANCES} * power(war.chance(corporation, 903), 2))::bigint END';
"""

PLACES_AND_PEOPLE = f"""
INSERT INTO entities (entity_id, category, name)
SELECT {FIRST_PILOT} + n, 'character',
    (ARRAY['Ada','Bryn','Cato','Dara','Egil','Faye','Gorm','Hild','Ivo','Jara','Kaia','Lars','Mira','Nils','Orla','Pia'])
        [1 + n % 16] || ' ' || initcap(substr(md5(n::text), 1, 3) || 'ar') || ' ' || n
FROM generate_series(0, {PILOTS - 1}) AS n
UNION ALL
SELECT {FIRST_CORPORATION} + n, 'corporation', 'Company of ' || initcap(substr(md5('c' || n), 1, 6)) || ' ' || n
FROM generate_series(0, {CORPORATIONS - 1}) AS n
UNION ALL
SELECT {FIRST_ALLIANCE} + n, 'alliance', 'Pact of ' || initcap(substr(md5('a' || n), 1, 6)) || ' ' || n
FROM generate_series(0, {ALLIANCES - 1}) AS n
UNION ALL
SELECT {FIRST_SYSTEM} + n, 'solar_system', upper(substr(md5('s' || n), 1, 4)) || '-' || n
FROM generate_series(0, {SYSTEMS - 1}) AS n
UNION ALL
SELECT n, 'inventory_type', 'Make ' || initcap(substr(md5('t' || n), 1, 5)) || ' ' || n
FROM generate_series(580, 12000) AS n;
INSERT INTO character_details (character_id, birthday, security_status)
SELECT {FIRST_PILOT} + n, '2005-01-01Z'::timestamptz + n * interval '1 hour', n % 100 / 10.0 - 5
FROM generate_series(0, {PILOTS - 1}) AS n;
INSERT INTO corporation_details (corporation_id, ticker)
SELECT {FIRST_CORPORATION} + n, 'C' || n FROM generate_series(0, {CORPORATIONS - 1}) AS n;
INSERT INTO alliance_details (alliance_id, ticker)
SELECT {FIRST_ALLIANCE} + n, 'A' || n FROM generate_series(0, {ALLIANCES - 1}) AS n;
INSERT INTO types (type_id, group_id) SELECT n, CASE WHEN n = 670 THEN 29 ELSE 1000 + n % 100 END
FROM generate_series(580, 12000) AS n;
INSERT INTO hull_slots (type_id, high, mid, low, rig, subsystem, service)
SELECT n, 5, 4, 4, 3, 0, 0 FROM generate_series(580, 2000) AS n WHERE n <> 670;
INSERT INTO type_groups (group_id, category_id, name)
SELECT 1000 + n, CASE WHEN n % 2 = 0 THEN 6 ELSE 7 END, 'Group ' || n FROM generate_series(0, 99) AS n
UNION ALL SELECT 29, 6, 'Capsule';
INSERT INTO type_categories (category_id, name) VALUES (6, 'Ship'), (7, 'Module');
INSERT INTO solar_systems (solar_system_id, security_status, constellation_id)
SELECT {FIRST_SYSTEM} + n, 1 - war.chance(n, 904) * 2, 20000000 + n / 7 FROM generate_series(0, {SYSTEMS - 1}) AS n;
INSERT INTO constellations (constellation_id, region_id, name)
SELECT 20000000 + n, 10000000 + n / 10, 'Constellation ' || n FROM generate_series(0, {SYSTEMS // 7}) AS n;
INSERT INTO regions (region_id, name)
SELECT 10000000 + n, 'Region ' || n FROM generate_series(0, {SYSTEMS // 70}) AS n;
INSERT INTO accounts SELECT FROM generate_series(1, {VIEWERS});
INSERT INTO users (character_id, account_id, name, owner_hash, corporation_id, scopes, token_state, sync_state)
SELECT {FIRST_PILOT} + row_number() OVER (ORDER BY account_id) - 1, account_id, 'Viewer', 'owner',
    {FIRST_CORPORATION}, '{{}}', 'valid', 'ok'
FROM accounts;
INSERT INTO corporations_followed (corporation_id) VALUES ({BUSIEST_CORPORATION});
INSERT INTO corporation_directors (corporation_id, character_id, role_seen_at)
VALUES ({BUSIEST_CORPORATION}, {BUSIEST_PILOT}, now());
"""  # noqa: S608 - numbers of ours


def killmails(first: int, last: int, crowded_id: int) -> str:
    """Statements that make the killmails with these numbers: rows, participants and bodies."""
    return f"""
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT
    {FIRST_KILLMAIL} + n AS id, '2023-01-01Z'::timestamptz + n * interval '{SECONDS_APART} seconds' AS at,
    {FIRST_SYSTEM} + floor({SYSTEMS} * power(war.chance(n, 1), 3))::bigint AS system,
    CASE
        WHEN {FIRST_KILLMAIL} + n = {crowded_id} THEN {MOST_ATTACKERS}
        WHEN war.chance(n, 2) < 0.25 THEN 1
        WHEN war.chance(n, 2) < 0.58 THEN 2 + floor(4 * war.chance(n, 3))
        WHEN war.chance(n, 2) < 0.94 THEN 6 + floor(14 * war.chance(n, 3))
        WHEN war.chance(n, 2) < 0.998 THEN 18 + floor(30 * war.chance(n, 3))
        ELSE 50 + floor(100 * war.chance(n, 3))
    END::int AS attackers,
    war.chance(n, 4) < 0.25 AS is_pod,
    CASE WHEN war.chance(n, 4) < 0.25 THEN 670
        ELSE 580 + floor(400 * power(war.chance(n, 5), 2))::int END AS ship,
    CASE WHEN war.chance(n, 4) < 0.25 THEN 0 ELSE floor(27 * war.chance(n, 6))::int END AS items,
    round((10000000 / (0.001 + war.chance(n, 7)))::numeric, 2) AS value
FROM generate_series({first}::bigint, {last}) AS n;
CREATE TEMPORARY TABLE shot ON COMMIT DROP AS
SELECT
    made.id, made.at, one.ordinal, who.pilot, war.corporation(who.pilot) AS corporation,
    CASE WHEN one.ordinal = 0 THEN made.ship
        ELSE 580 + floor(400 * power(war.chance(made.id * 4000 + one.ordinal, 11), 2))::int END AS ship,
    2000 + floor(800 * power(war.chance(made.id * 4000 + one.ordinal, 12), 2))::int AS weapon,
    CASE WHEN one.ordinal = 0 THEN made.attackers * (made.attackers + 1) / 2 * 10
        ELSE (made.attackers - one.ordinal + 1) * 10 END AS damage,
    one.ordinal = 1 + (made.id * 7919) % made.attackers AS final_blow
FROM made
CROSS JOIN LATERAL generate_series(0, made.attackers) AS one(ordinal)
CROSS JOIN LATERAL (
    SELECT CASE WHEN made.attackers = {MOST_ATTACKERS} THEN {FIRST_PILOT} + one.ordinal * 17 % {PILOTS}
        ELSE war.pilot(made.id * 4000 + one.ordinal, 10) END AS pilot
) AS who;
INSERT INTO killmails (
    killmail_id, killmail_time, solar_system_id, attacker_count, destroyed_value, dropped_value, fitted_value,
    total_value, price_date, priced_kinds, item_kinds, solo, npc, awox, damage_done, top_damage_ordinal
)
SELECT
    id, at, system, attackers, round(value * 0.6, 2), value - round(value * 0.6, 2),
    round(value * 0.8, 2), value, at::date, items, items + 1,
    attackers = 1 AND NOT is_pod, false, id % 500 = 0, attackers * (attackers + 1) / 2 * 10, 1
FROM made;
INSERT INTO participants (
    killmail_id, ordinal, killmail_time, is_victim, character_id, corporation_id, alliance_id, ship_type_id,
    weapon_type_id, damage, final_blow, security_status
)
SELECT
    id, ordinal, at, ordinal = 0, pilot, corporation, war.alliance(corporation), ship,
    CASE WHEN ordinal > 0 THEN weapon END, damage, ordinal > 0 AND final_blow, CASE WHEN ordinal > 0 THEN -1.5 END
FROM shot;
INSERT INTO killmail_bodies (killmail_id, body)
SELECT
    made.id,
    jsonb_build_object(
        'killmail_id', made.id, 'killmail_time', to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'solar_system_id', made.system, 'attackers', fleet.attackers,
        'victim', jsonb_build_object(
            'character_id', fleet.victim, 'corporation_id', war.corporation(fleet.victim), 'ship_type_id', made.ship,
            'damage_taken', made.attackers * (made.attackers + 1) / 2 * 10,
            'position', jsonb_build_object('x', made.id * 1.5, 'y', -made.id, 'z', 12.25),
            'items', coalesce(hold.items, '[]')
        )
    )
FROM made
JOIN (
    SELECT
        id, max(pilot) FILTER (WHERE ordinal = 0) AS victim,
        jsonb_agg(
            jsonb_build_object(
                'character_id', pilot, 'corporation_id', corporation, 'damage_done', damage, 'final_blow', final_blow,
                'security_status', -1.5, 'ship_type_id', ship, 'weapon_type_id', weapon
            ) ORDER BY ordinal
        ) FILTER (WHERE ordinal > 0) AS attackers
    FROM shot GROUP BY id
) AS fleet USING (id)
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
        'item_type_id', 2000 + floor(10000 * power(war.chance(made.id * 4000 + n, 13), 2))::int,
        'flag', (ARRAY[5, 11, 12, 19, 20, 27, 28, 87, 92])[1 + n % 9], 'singleton', 0,
        CASE WHEN n % 3 = 0 THEN 'quantity_dropped' ELSE 'quantity_destroyed' END, 1 + n
    )) AS items
    FROM generate_series(1, made.items) AS n
) AS hold;
"""  # noqa: S608 - numbers of ours
