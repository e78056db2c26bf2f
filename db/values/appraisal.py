"""What a killmail was worth and what kind of kill it was: worked out in Postgres, a batch in one statement.

The rules are those of docs/classification.md. An appraisal can be made again at any time with the same
outcome, and writes only what changed: after a better snapshot of prices, or a change of the rules.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import asyncpg

from db.sums.fold import fold_the_full
from db.sums.keep import Change, keep_sums
from db.values.price_sql import FIRST_SNAPSHOT, PAID
from db.values.rules import BLUEPRINT_COPY, FITTED_FLAGS, FREE_HULLS, MEDIAN_DAYS, NO_SOLO_HULLS

_DAY = "(killmails.killmail_time AT TIME ZONE 'UTC')::date"
# The day's snapshot, or the nearest before it. Before our first one, the killmail's own day once The Forge's prices of
# it and of the days before it are here; until then the first snapshot. Null without any.
_PRICE_DATE = f"""coalesce(
    (SELECT max(day) FROM price_snapshots WHERE day <= {_DAY}),
    CASE WHEN {_DAY} < {FIRST_SNAPSHOT} AND (
        SELECT count(*) = {MEDIAN_DAYS} AND bool_or(outcome = 'read')
        FROM market_days
        WHERE day BETWEEN {_DAY} - {MEDIAN_DAYS - 1} AND {_DAY}
    ) THEN {_DAY} END,
    {FIRST_SNAPSHOT}
)"""  # noqa: S608 - made of constants
# An NPC has no character id, or one of those that EVE reserves for its agents; a corporation of EVE's own has
# an id below two million (ESI docs, "ID ranges"). What only has a player corporation is its structure.
_IS_PLAYER = "(coalesce(character_id, 0) NOT BETWEEN 3000000 AND 3999999 AND character_id IS NOT NULL)"
_IS_PLAYERS_OWN = "(character_id IS NULL AND (corporation_id >= 2000000 OR alliance_id IS NOT NULL))"

_STATEMENT = """
WITH RECURSIVE chosen AS MATERIALIZED (
    SELECT
        killmail_id, {price_date} AS day, damage_done IS NULL AS is_first, coalesce(total_value, 0) AS old_value,
        coalesce(solo, false) AS was_solo
    FROM killmails
    WHERE
        killmail_id = ANY($1::bigint[])
        AND ($2 OR solo IS NULL OR price_date IS DISTINCT FROM {price_date})
    ORDER BY killmail_id
    FOR UPDATE
),
item AS MATERIALIZED (
    SELECT chosen.killmail_id, chosen.day, sent.*
    FROM chosen
    JOIN killmail_bodies USING (killmail_id)
    CROSS JOIN LATERAL jsonb_to_recordset(
        CASE jsonb_typeof(body #> '{{victim,items}}') WHEN 'array' THEN body #> '{{victim,items}}' ELSE '[]' END
    ) AS sent(
        item_type_id bigint, singleton bigint, quantity_destroyed numeric, quantity_dropped numeric,
        flag bigint, items jsonb
    )
),
container AS (
    SELECT killmail_id, day, flag, items FROM item WHERE jsonb_typeof(items) = 'array'
    UNION ALL
    SELECT container.killmail_id, container.day, container.flag, held.items
    FROM container
    CROSS JOIN LATERAL jsonb_to_recordset(container.items) AS held(items jsonb)
    WHERE jsonb_typeof(held.items) = 'array'
),
part AS (
    SELECT killmail_id, day, item_type_id, singleton, quantity_destroyed, quantity_dropped, flag FROM item
    UNION ALL
    -- A held item lies where its container lies, whatever flag it has inside.
    SELECT
        container.killmail_id, container.day, held.item_type_id, held.singleton, held.quantity_destroyed,
        held.quantity_dropped, container.flag
    FROM container
    CROSS JOIN LATERAL jsonb_to_recordset(container.items) AS held(
        item_type_id bigint, singleton bigint, quantity_destroyed numeric, quantity_dropped numeric
    )
),
-- What is on a killmail of one kind, so that its price is looked for once. `free` is the hull alone, which comes last:
-- one of its kind in the hold is worth what it is sold for.
lot AS MATERIALIZED (
    SELECT
        killmail_id, day, item_type_id AS type_id, singleton = $6 AS copy, false AS free,
        sum(coalesce(quantity_destroyed, 0)) AS destroyed, sum(coalesce(quantity_dropped, 0)) AS dropped,
        sum(coalesce(quantity_destroyed, 0) + coalesce(quantity_dropped, 0))
            FILTER (WHERE flag = ANY($5::integer[])) AS fitted
    FROM part
    WHERE day IS NOT NULL
    GROUP BY killmail_id, day, item_type_id, singleton = $6
    UNION ALL
    SELECT killmail_id, day, ship_type_id, false, ship_type_id = ANY($3::bigint[]), 1, 0, 1
    FROM chosen
    JOIN victim USING (killmail_id)
    WHERE day IS NOT NULL
),
price AS MATERIALIZED (
    SELECT asked.day, asked.type_id, paid.isk
    FROM (SELECT DISTINCT day, type_id FROM lot WHERE NOT copy AND NOT free) AS asked
    {paid}
    WHERE paid.isk IS NOT NULL
),
worth AS (
    SELECT
        lot.killmail_id,
        round(sum(destroyed * coalesce(isk, 0)), 2) AS destroyed,
        round(sum(dropped * coalesce(isk, 0)), 2) AS dropped,
        round(coalesce(sum(fitted * coalesce(isk, 0)), 0), 2) AS fitted,
        count(DISTINCT (lot.type_id, copy)) FILTER (WHERE isk IS NOT NULL OR free) AS priced_kinds,
        count(DISTINCT (lot.type_id, copy)) AS item_kinds
    FROM lot
    LEFT JOIN price ON price.day = lot.day AND price.type_id = lot.type_id AND NOT lot.copy AND NOT lot.free
    GROUP BY lot.killmail_id
),
present AS MATERIALIZED (
    SELECT one.*
    FROM chosen
    CROSS JOIN LATERAL (
        -- OFFSET 0: its killmail is the way to find it; of a large batch the planner would read the whole table.
        SELECT participants.* FROM participants WHERE participants.killmail_id = chosen.killmail_id OFFSET 0
    ) AS one
),
victim AS MATERIALIZED (
    SELECT killmail_id, character_id, corporation_id, alliance_id, ship_type_id FROM present WHERE is_victim
),
attacker AS (
    SELECT present.*, {is_player} AS is_player, {is_players_own} AS is_players_own FROM present WHERE NOT is_victim
),
side AS (
    SELECT
        attacker.killmail_id,
        count(*) FILTER (WHERE is_player) AS players,
        count(*) FILTER (WHERE is_players_own) AS players_own,
        sum(damage) AS damage_done,
        (array_agg(ordinal ORDER BY damage DESC, ordinal))[1] AS top_damage_ordinal,
        bool_or(
            final_blow AND is_player AND attacker.character_id <> victim.character_id
            AND (
                (attacker.corporation_id = victim.corporation_id AND victim.corporation_id >= 2000000)
                OR attacker.alliance_id = victim.alliance_id
            )
        ) AS awox
    FROM attacker
    JOIN victim ON victim.killmail_id = attacker.killmail_id
    GROUP BY attacker.killmail_id
),
kind AS (
    SELECT
        victim.killmail_id,
        coalesce(side.players, 0) = 1 AND side.players_own = 0 AND victim.character_id IS NOT NULL
            AND NOT victim.ship_type_id = ANY($4::bigint[]) AS solo,
        coalesce(side.players + side.players_own, 0) = 0 AS npc,
        coalesce(side.awox, false) AS awox,
        coalesce(side.damage_done, 0)::bigint AS damage_done,
        CASE WHEN side.damage_done > 0 THEN side.top_damage_ordinal END AS top_damage_ordinal
    FROM victim
    LEFT JOIN side USING (killmail_id)
),
outcome AS (
    SELECT
        kind.*, worth.destroyed, worth.dropped, worth.destroyed + worth.dropped AS total, worth.fitted,
        chosen.day, worth.priced_kinds::integer AS priced_kinds, worth.item_kinds::integer AS item_kinds,
        chosen.is_first, chosen.old_value, chosen.was_solo
    FROM chosen
    JOIN kind USING (killmail_id)
    LEFT JOIN worth USING (killmail_id)
)
UPDATE killmails
SET
    destroyed_value = outcome.destroyed, dropped_value = outcome.dropped, total_value = outcome.total,
    fitted_value = outcome.fitted, price_date = outcome.day, priced_kinds = outcome.priced_kinds,
    item_kinds = outcome.item_kinds, solo = outcome.solo, npc = outcome.npc, awox = outcome.awox,
    damage_done = outcome.damage_done, top_damage_ordinal = outcome.top_damage_ordinal
FROM outcome
WHERE
    killmails.killmail_id = outcome.killmail_id
    AND (
        killmails.destroyed_value, killmails.dropped_value, killmails.total_value, killmails.fitted_value,
        killmails.price_date, killmails.priced_kinds, killmails.item_kinds, killmails.solo, killmails.npc,
        killmails.awox, killmails.damage_done, killmails.top_damage_ordinal
    ) IS DISTINCT FROM (
        outcome.destroyed, outcome.dropped, outcome.total, outcome.fitted,
        outcome.day, outcome.priced_kinds, outcome.item_kinds, outcome.solo, outcome.npc,
        outcome.awox, outcome.damage_done, outcome.top_damage_ordinal
    )
RETURNING
    killmails.killmail_id, is_first::int AS killmails,
    coalesce(killmails.total_value, 0) - old_value AS value,
    coalesce(killmails.solo, false)::int - was_solo::int AS solo
"""
_APPRAISE = _STATEMENT.format(paid=PAID, price_date=_PRICE_DATE, is_player=_IS_PLAYER, is_players_own=_IS_PLAYERS_OWN)

# Without a value although there are prices, or valued before the snapshot of their day was taken.
_WAITING = """
SELECT killmail_id
FROM killmails
WHERE
    killmail_id > $1
    AND (
        price_date IS NULL
        OR (killmail_time >= ($2::date)::timestamp AT TIME ZONE 'UTC' AND price_date < $2::date)
    )
ORDER BY killmail_id
LIMIT $3
"""
_ALL = """
SELECT killmail_id
FROM killmails
WHERE killmail_id > $1 AND ($2::date IS NULL OR killmail_time >= ($2::date)::timestamp AT TIME ZONE 'UTC')
ORDER BY killmail_id
LIMIT $3
"""


async def appraise(pool: asyncpg.Pool, killmail_ids: Collection[int], *, again: bool = False) -> list[int]:
    """Value and classify those of these killmails that are not yet, or not at the right day's prices; sums follow.

    Args:
        again: all of them, e.g. after a change of the rules.

    Returns:
        The killmails whose figures or flags changed.
    """
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            _APPRAISE, sorted(killmail_ids), again, FREE_HULLS, NO_SOLO_HULLS, FITTED_FLAGS, BLUEPRINT_COPY
        )
        changes = [Change(**row) for row in rows]
        touched = await keep_sums(connection, [one for one in changes if one.killmails or one.value or one.solo])
    await fold_the_full(pool, touched)
    return sorted(one.killmail_id for one in changes)


async def waiting_for_appraisal(pool: asyncpg.Pool, latest: date, after: int, at_most: int) -> list[int]:
    """Killmails above the id `after` that the snapshot of the day `latest`, the newest one, can value better."""
    return [row[0] for row in await pool.fetch(_WAITING, after, latest, at_most)]


async def killmails_since(pool: asyncpg.Pool, since: date | None, after: int, at_most: int) -> list[int]:
    """All killmails above the id `after`, by id; `since`: only those of that day (UTC) and later."""
    return [row[0] for row in await pool.fetch(_ALL, after, since, at_most)]
