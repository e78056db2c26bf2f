"""How far the order of arrival was gone through once more for names: nothing that arrived stays without them.

Who brings a killmail has it named at once. Where that cannot be done (EVE is down, a limit is spent, the process died),
this place has not passed it yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

NAMED_BY_THEN = timedelta(minutes=10)
"""Who brought a killmail has tried by then."""

_AHEAD = """
    SELECT arrival, killmail_id, created_at < now() - $1::interval AS is_due
    FROM killmail_arrivals JOIN killmails USING (killmail_id)
    WHERE arrival > coalesce((SELECT arrival FROM killmail_naming), 0)
    ORDER BY arrival LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Ahead:
    """The next killmails to look at, and the place behind them."""

    arrival: int
    killmail_ids: Sequence[int]


async def ahead_of_naming(pool: asyncpg.Pool, limit: int) -> Ahead | None:
    """What arrived next and has been here for a while, up to so many; None: nothing."""
    due = []
    for row in await pool.fetch(_AHEAD, NAMED_BY_THEN, limit):
        if not row["is_due"]:
            break
        due.append(row)
    return Ahead(due[-1]["arrival"], [row["killmail_id"] for row in due]) if due else None


async def move_naming_place(pool: asyncpg.Pool, arrival: int) -> None:
    """All up to this one have their names, or ESI does not know them. It never goes back."""
    await pool.execute(
        """
        INSERT INTO killmail_naming AS here (arrival) VALUES ($1)
        ON CONFLICT (only_one) DO UPDATE SET arrival = greatest(here.arrival, excluded.arrival)
        """,
        arrival,
    )
