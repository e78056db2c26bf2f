"""The order of arrival: each killmail once, when it is ready to be shown, in an order that readers can resume in.

Numbers are given under a lock that is held until the commit: whoever sees number n sees every smaller one that will
ever be, so "all after n" leaves nothing out. `created_at` or the killmail's own id could not promise that: commits
come in another order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import asyncpg

from db.intake.sources import Brought
from db.values.appraisal import appraise
from db.visibility import is_public

EVERYBODY = 0
"""Among the entities of an arrival: no character's and no corporation's id."""
_UNNUMBERED_MINUTES = 120
"""How far back `record_missed_arrivals` looks; the watchdog runs every five minutes."""
_APPRAISED_AT_ONCE = 500
# While a region's tables are copied, one after the other, its killmails are not whole yet.
_MISSED = """
WITH missed AS MATERIALIZED (
    SELECT killmail_id, attacker_count, killmail_time > now() - interval '1 day' AS is_news
    FROM killmails
    WHERE
        created_at BETWEEN now() - make_interval(mins => $1) AND now() - interval '5 minutes'
        AND NOT EXISTS (SELECT FROM killmail_arrivals WHERE killmail_arrivals.killmail_id = killmails.killmail_id)
    LIMIT 5000
)
SELECT killmail_id, is_news
FROM missed
WHERE
    EXISTS (SELECT FROM killmail_bodies WHERE killmail_bodies.killmail_id = missed.killmail_id)
    AND attacker_count + 1 = (
        SELECT count(*) FROM participants WHERE participants.killmail_id = missed.killmail_id
    )
"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A killmail that was not here before. `age_seconds`: since it happened; `isk`: what it was worth, if known."""

    killmail_id: int
    age_seconds: float
    isk: float


async def record_arrivals(
    pool: asyncpg.Pool, killmail_ids: Collection[int], *, silent: bool = False, source: Brought | None = None
) -> list[Arrived]:
    """These stored killmails are ready to be shown. One that was recorded before keeps its place and its source.

    Args:
        silent: of an imported history: no news to anybody, so no reader is told.
        source: what brought them, if that is known.

    Returns:
        Those that were not recorded before.
    """
    if not killmail_ids:
        return []
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            """
            SELECT killmail_id, extract(epoch FROM now() - killmail_time)::float8 AS age,
                   coalesce(total_value, 0)::float8 AS isk
              FROM killmails
             WHERE killmail_id = ANY ($1::bigint[])
               AND NOT EXISTS (SELECT FROM killmail_arrivals a WHERE a.killmail_id = killmails.killmail_id)
             ORDER BY killmail_id
            """,
            list(killmail_ids),
        )
        if not rows:
            return []
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('killmail arrivals'))")
        recorded = await connection.fetch(
            "INSERT INTO killmail_arrivals (killmail_id, silent, source)"
            " SELECT unnest($1::bigint[]), $2, $3 ON CONFLICT DO NOTHING RETURNING killmail_id",
            [row["killmail_id"] for row in rows],
            silent,
            source,
        )
    new = {row["killmail_id"] for row in recorded}
    return [Arrived(row["killmail_id"], row["age"], row["isk"]) for row in rows if row["killmail_id"] in new]


async def announced_among(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """Those of these killmails that arrived as news. Ascending."""
    rows = await pool.fetch(
        "SELECT killmail_id FROM killmail_arrivals WHERE killmail_id = ANY ($1) AND NOT silent ORDER BY killmail_id",
        list(killmail_ids),
    )
    return [row["killmail_id"] for row in rows]


async def record_missed_arrivals(pool: asyncpg.Pool) -> list[int]:
    """Appraise and record what another region sent, or was stored by a process that died before it could say so;
    returns those killmails.

    Older than a day is history, and told to nobody.
    """
    rows = await pool.fetch(_MISSED, _UNNUMBERED_MINUTES)
    for start in range(0, len(rows), _APPRAISED_AT_ONCE):
        await appraise(pool, [row["killmail_id"] for row in rows[start : start + _APPRAISED_AT_ONCE]])
    for is_news in (False, True):
        missed = [row["killmail_id"] for row in rows if row["is_news"] is is_news]
        await record_arrivals(pool, missed, silent=not is_news)
    return [row["killmail_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One step of the order. `entities`: the characters and corporations on it, and `EVERYBODY` if a board of theirs is
    public; nobody's where it is silent.

    `stored_seconds`: how long it had been stored when it was read.
    """

    arrival: int
    killmail_id: int
    entities: frozenset[int]
    stored_seconds: float = 0


async def newest_arrival(pool: asyncpg.Pool) -> int:
    """Where the order ends by now; 0 if nothing ever arrived."""
    return int(await pool.fetchval("SELECT coalesce(max(arrival), 0) FROM killmail_arrivals"))


async def arrivals_after(pool: asyncpg.Pool, position: int, limit: int) -> list[Arrival]:
    """What arrived after that, in order."""
    rows = await pool.fetch(
        f"""
        SELECT arrival, killmail_id,
               CASE WHEN silent THEN '{{}}' ELSE ARRAY(
                   SELECT DISTINCT entity_id
                     FROM participants p
                    CROSS JOIN LATERAL (
                        VALUES (p.character_id), (p.corporation_id), (CASE WHEN {is_public("p")} THEN $3::bigint END)
                    ) AS one (entity_id)
                    WHERE p.killmail_id = page.killmail_id AND entity_id IS NOT NULL
               ) END AS entities,
               extract(epoch FROM clock_timestamp() - killmails.created_at)::float8 AS stored_seconds
          FROM (SELECT arrival, killmail_id, silent FROM killmail_arrivals
                 WHERE arrival > $1 ORDER BY arrival LIMIT $2) AS page
          JOIN killmails USING (killmail_id)
         ORDER BY arrival
        """,  # noqa: S608 - constants of `db.visibility`
        position,
        limit,
        EVERYBODY,
    )
    return [
        Arrival(row["arrival"], row["killmail_id"], frozenset(row["entities"]), row["stored_seconds"]) for row in rows
    ]
