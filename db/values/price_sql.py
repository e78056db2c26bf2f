"""What one of a type cost on a day: the one rule of it, as a part of statements.

It follows a relation `asked(day, type_id)`, whose day is a killmail's `price_date`, and adds `paid`: the price in ISK,
the day that it is of, and a note. Before our own first snapshot a price is The Forge's, of that day or the last one on
which it was traded; a type that was not traded for a month has that of our first snapshot. See docs/classification.md.
"""

from __future__ import annotations

from enum import StrEnum

from db.values.rules import CAP, LAST_TRADED_DAYS, MEDIAN_DAYS, MEDIAN_TRADES
from db.values.unpriced import MUTATED, SKIN_CATEGORY, UNIQUE_SHIPS


class PriceNote(StrEnum):
    """What is to be said of a price, or of its absence. The names are those of GraphQL's enum."""

    CAPPED = "CAPPED"  # at `CAP` times the median
    FREE_HULL = "FREE_HULL"
    BLUEPRINT_COPY = "BLUEPRINT_COPY"
    MUTATED = "MUTATED"
    UNIQUE = "UNIQUE"
    SKIN = "SKIN"


FIRST_SNAPSHOT = "(SELECT min(day) FROM price_snapshots)"
"""From this day on, prices are our own snapshots of ESI's."""
_IDS = "ANY('{%s}'::bigint[])"
_MUTATED = _IDS % ",".join(map(str, MUTATED))
_UNIQUE = _IDS % ",".join(map(str, UNIQUE_SHIPS))
PAID = f"""
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN asked.type_id = {_MUTATED} THEN '{PriceNote.MUTATED}'
            WHEN asked.type_id = {_UNIQUE} THEN '{PriceNote.UNIQUE}'
            WHEN {SKIN_CATEGORY} = (
                SELECT (SELECT category_id FROM type_groups WHERE type_groups.group_id = types.group_id)
                FROM types WHERE types.type_id = asked.type_id
            ) THEN '{PriceNote.SKIN}'
        END AS why_none
    ) AS rule
    LEFT JOIN LATERAL (
        SELECT
            (array_agg(average ORDER BY month + position DESC))[1] AS average,
            max(month + position - 1) AS day,
            CASE WHEN count(*) >= {MEDIAN_TRADES}
                THEN {CAP} * percentile_disc(0.5) WITHIN GROUP (ORDER BY average) END AS most
        FROM (
            SELECT month, average, position::integer AS position
            FROM market_history
            CROSS JOIN LATERAL unnest(averages) WITH ORDINALITY AS of_day(average, position)
            WHERE
                asked.day < {FIRST_SNAPSHOT} AND market_history.type_id = asked.type_id
                AND market_history.month > asked.day - {MEDIAN_DAYS + 31} AND market_history.month <= asked.day
        ) AS traded
        WHERE average > 0 AND month + position - 1 BETWEEN asked.day - {MEDIAN_DAYS - 1} AND asked.day
    ) AS traded ON
        rule.why_none IS NULL AND traded.day > asked.day - {LAST_TRADED_DAYS}
    LEFT JOIN LATERAL (
        SELECT coalesce(nullif(average_price, 0), nullif(adjusted_price, 0)) AS isk
        FROM market_prices
        WHERE market_prices.type_id = asked.type_id AND market_prices.day <= greatest(asked.day, {FIRST_SNAPSHOT})
        ORDER BY market_prices.day DESC
        LIMIT 1
    ) AS listed ON rule.why_none IS NULL AND traded.average IS NULL
    CROSS JOIN LATERAL (
        SELECT
            coalesce(round(least(traded.average, traded.most)::numeric / 100, 2), listed.isk) AS isk,
            coalesce(
                traded.day, CASE WHEN listed.isk IS NOT NULL THEN greatest(asked.day, {FIRST_SNAPSHOT}) END
            ) AS day,
            coalesce(
                rule.why_none, CASE WHEN traded.average > traded.most THEN '{PriceNote.CAPPED}' END
            ) AS note
    ) AS paid
"""  # noqa: S608 - made of constants
