"""Everything that has a name, by what its name or ticker begins with, or words of its name do.

Two indexes of `entities` find it: one by kind and name, whose order makes a prefix a range, and one of the words of
each name (GIN). No extension is needed; letters inside a word are not looked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import asyncpg

Kind = Literal[
    "CHARACTER", "CORPORATION", "ALLIANCE", "FACTION", "TYPE", "TYPE_GROUP", "SOLAR_SYSTEM", "CONSTELLATION", "REGION"
]
KINDS: tuple[Kind, ...] = (
    "CHARACTER",
    "CORPORATION",
    "ALLIANCE",
    "FACTION",
    "TYPE",
    "TYPE_GROUP",
    "SOLAR_SYSTEM",
    "CONSTELLATION",
    "REGION",
)
WORDS_FROM = 3
"""Characters; fewer begin too many words."""
MOST_WORDS = 1_000
"""Names with such words that are looked at; what is asked for more precisely is found among them."""
_CATEGORIES: dict[Kind, str] = {"TYPE": "inventory_type"}
"""ESI's names of kinds, where they are not ours in small letters."""
_LAST = "\U0010ffff"

# $1 the name, $2 what sorts behind everything, $3 kinds, $4 categories of `entities`, $5 words or null.
_SEARCH = f"""
WITH asked AS MATERIALIZED (SELECT lower($1::text) AS low, lower($1::text) || $2::text AS high),
kinds AS (SELECT * FROM unnest($3::text[], $4::text[]) AS kinds(kind, category)),
met AS (
    SELECT kinds.kind, named.id, named.name
    FROM kinds CROSS JOIN asked CROSS JOIN LATERAL (
        SELECT entities.entity_id AS id, entities.name
        FROM entities
        WHERE entities.category = kinds.category
            AND lower(entities.name) ~>=~ asked.low AND lower(entities.name) ~<~ asked.high
        ORDER BY lower(entities.name) USING ~<~
        LIMIT {{limit}}
    ) AS named
    UNION ALL
    SELECT kinds.kind, worded.id, worded.name
    FROM (
        SELECT entities.entity_id AS id, entities.name, entities.category
        FROM entities
        WHERE $5::text IS NOT NULL AND entities.category = ANY($4::text[])
            AND array_to_tsvector(array_remove(string_to_array(lower(entities.name), ' '), ''))
                @@ lower($5::text)::tsquery
        LIMIT {MOST_WORDS}
    ) AS worded
    JOIN kinds USING (category)
    UNION ALL
    SELECT 'CORPORATION', ticker.id, entities.name
    FROM asked CROSS JOIN LATERAL (
        SELECT corporation_id AS id FROM corporation_details
        WHERE 'CORPORATION' = ANY($3) AND lower(ticker) ~>=~ asked.low AND lower(ticker) ~<~ asked.high
        ORDER BY lower(ticker) USING ~<~
        LIMIT {{limit}}
    ) AS ticker
    JOIN entities ON entities.entity_id = ticker.id
    UNION ALL
    SELECT 'ALLIANCE', ticker.id, entities.name
    FROM asked CROSS JOIN LATERAL (
        SELECT alliance_id AS id FROM alliance_details
        WHERE 'ALLIANCE' = ANY($3) AND lower(ticker) ~>=~ asked.low AND lower(ticker) ~<~ asked.high
        ORDER BY lower(ticker) USING ~<~
        LIMIT {{limit}}
    ) AS ticker
    JOIN entities ON entities.entity_id = ticker.id
    UNION ALL
    SELECT small.kind, small.id, small.name
    FROM (
        SELECT 'TYPE_GROUP' AS kind, group_id AS id, name FROM type_groups
        UNION ALL SELECT 'CONSTELLATION', constellation_id, name FROM constellations
        UNION ALL SELECT 'REGION', region_id, name FROM regions
    ) AS small
    CROSS JOIN asked
    WHERE small.kind = ANY($3)
        AND (starts_with(lower(small.name), asked.low) OR strpos(lower(small.name), ' ' || asked.low) > 0)
),
ranked AS (
    SELECT DISTINCT ON (met.kind, met.id)
        met.kind, met.id, met.name, asked.low,
        CASE met.kind
            WHEN 'CORPORATION' THEN (SELECT ticker FROM corporation_details WHERE corporation_id = met.id)
            WHEN 'ALLIANCE' THEN (SELECT ticker FROM alliance_details WHERE alliance_id = met.id)
        END AS ticker
    FROM met
    CROSS JOIN asked
    WHERE met.name IS NOT NULL
    ORDER BY met.kind, met.id
)
SELECT kind, id, name, ticker
FROM ranked
ORDER BY
    CASE
        WHEN lower(name) = low THEN 0
        WHEN lower(ticker) = low THEN 1
        WHEN starts_with(lower(name), low) THEN 2
        WHEN starts_with(lower(ticker), low) THEN 3
        ELSE 4
    END,
    length(name), lower(name), array_position($3, kind), id
LIMIT {{limit}}
"""  # noqa: S608 - a number of ours


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found. `ticker`: of a corporation or an alliance, once ESI has told it."""

    kind: Kind
    id: int
    name: str
    ticker: str | None


async def search(pool: asyncpg.Pool, name: str, kinds: Collection[Kind], first: int) -> list[Hit]:
    """What has this name or ticker, then what begins with it, then what has words that begin with its words.

    Capitals do not matter. One statement; nothing for a name without a letter.

    Args:
        kinds: only of these.
        first: how many at most.
    """
    asked = " ".join(name.replace("\0", " ").split())
    wanted = [kind for kind in KINDS if kind in kinds]
    if not asked or not wanted:
        return []
    rows = await pool.fetch(
        _SEARCH.format(limit=int(first)),
        asked,
        _LAST,
        wanted,
        [_CATEGORIES.get(kind, kind.lower()) for kind in wanted],
        _words(asked) if len(asked) >= WORDS_FROM else None,
    )
    return [Hit(row["kind"], row["id"], row["name"], row["ticker"]) for row in rows]


def _words(asked: str) -> str:
    """As a tsquery: all of these words, each begun."""
    quoted = (word.replace("\\", "\\\\").replace("'", "''") for word in asked.split())
    return " & ".join(f"'{word}':*" for word in quoted)


async def names_of(pool: asyncpg.Pool, ids: Collection[tuple[Kind, int]]) -> dict[tuple[Kind, int], str]:
    """The names of these, as far as they are known. One statement."""
    if not ids:
        return {}
    rows = await pool.fetch(
        """
        SELECT
            asked.kind, asked.id,
            coalesce(entities.name, type_groups.name, constellations.name, regions.name) AS name
        FROM unnest($1::text[], $2::bigint[]) AS asked(kind, id)
        LEFT JOIN entities
            ON asked.kind NOT IN ('TYPE_GROUP', 'CONSTELLATION', 'REGION') AND entities.entity_id = asked.id
        LEFT JOIN type_groups ON asked.kind = 'TYPE_GROUP' AND type_groups.group_id = asked.id
        LEFT JOIN constellations ON asked.kind = 'CONSTELLATION' AND constellations.constellation_id = asked.id
        LEFT JOIN regions ON asked.kind = 'REGION' AND regions.region_id = asked.id
        """,
        [kind for kind, _ in ids],
        [id_ for _, id_ in ids],
    )
    return {(row["kind"], row["id"]): row["name"] for row in rows if row["name"]}
