"""With whom somebody flies, who kills them, and what they lose: of the newest killmails that the viewer may see.

Counted over `NEWEST` killmails of the period at most, so that it costs a page however much somebody did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from db.killmails.about import killmails_about
from db.killmails.conditions import Parameters
from db.killmails.feed import feed_page
from db.killmails.filter import KillmailFilter, Viewer, eyes
from db.universe.known import known_of

Node = dict[str, Any]
CompanyKind = Literal["character", "corporation", "alliance"]
NEWEST = 500
# NPCs have no company: neither EVE's own corporations nor its agents (ESI docs, "ID ranges").
_PLAYERS = "NOT BETWEEN 1000000 AND 3999999"
_STATEMENT = """
{page},
member AS MATERIALIZED (
    SELECT killmail_id, is_victim, {column} AS id, ship_type_id
    FROM page JOIN participants USING (killmail_id)
),
won AS MATERIALIZED (SELECT DISTINCT killmail_id FROM member WHERE NOT is_victim AND id = {own}),
lost AS MATERIALIZED (SELECT killmail_id, ship_type_id FROM member WHERE is_victim AND id = {own}),
ranked AS (
    SELECT 'flies_with' AS list, id, count(DISTINCT killmail_id) AS killmails
    FROM member JOIN won USING (killmail_id)
    WHERE NOT is_victim AND id <> {own} AND id {players}
    GROUP BY id
    UNION ALL
    SELECT 'killed_by', id, count(DISTINCT killmail_id)
    FROM member JOIN lost USING (killmail_id)
    WHERE NOT is_victim AND id <> {own} AND id {players}
    GROUP BY id
    UNION ALL
    SELECT 'ships_lost', ship_type_id, count(*) FROM lost GROUP BY ship_type_id
),
numbered AS (
    SELECT *, row_number() OVER (PARTITION BY list ORDER BY killmails DESC, id) AS place
    FROM ranked
    WHERE id IS NOT NULL
)
SELECT list, id, killmails, (SELECT count(*) FROM page) AS looked_at
FROM numbered
WHERE place <= {top}
ORDER BY list, place
"""


@dataclass(frozen=True, slots=True)
class Company:
    """Each list: `entity` (a node of the schema) and `killmails`, the most first. `looked_at`: killmails counted."""

    flies_with: list[Node]
    killed_by: list[Node]
    ships_lost: list[Node]
    looked_at: int


async def company_of(
    pool: asyncpg.Pool,
    viewer: Viewer,
    kind: CompanyKind,
    entity_id: int,
    period: tuple[datetime | None, datetime | None],
    top: int,
) -> Company:
    """Pilots of a pilot, corporations of a corporation, alliances of an alliance. Three statements at most.

    Args:
        period: from the first to before the second; None: without bound.
        top: how long the lists are.
    """
    chosen = killmails_about(kind, entity_id, KillmailFilter(since=period[0], until=period[1]))
    seen_by = eyes(viewer, chosen, "VISIBLE")
    lists: dict[str, list[Node]] = {"flies_with": [], "killed_by": [], "ships_lost": []}
    looked_at = 0
    if not seen_by.are_closed:
        async with pool.acquire() as connection:
            make = await feed_page(connection, seen_by, chosen, "TIME", NEWEST, None)
            parameters = Parameters()
            statement = _STATEMENT.format(
                page=make(parameters),
                column=f"participants.{kind}_id",
                own=parameters.bind(entity_id, "bigint"),
                players=_PLAYERS,
                top=f"{top:d}",
            )
            rows = await connection.fetch(statement, *parameters.values)
            known = await known_of(connection, {row["id"] for row in rows}) if rows else None
        for row in rows:
            assert known is not None  # noqa: S101 - there are rows
            looked_at = row["looked_at"]
            identity = row["id"]
            if row["list"] == "ships_lost":
                entity = known.type(identity)
            else:
                entity = known.character(identity) if kind == "character" else known.organization(identity)
            lists[row["list"]].append({"entity": entity, "killmails": row["killmails"]})
    return Company(**lists, looked_at=looked_at)
