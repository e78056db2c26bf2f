"""What the front page shows around its list that nothing else reads: one statement for all of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import asyncpg
import orjson

from db.accounts.saved_filters import SavedFilter

# The numbers of arrivals end where the statement began: what arrives later is not behind them.
_FRONT_PAGE = """
SELECT
    (SELECT coalesce(max(arrival), 0) FROM killmail_arrivals) AS newest_arrival,
    (
        SELECT jsonb_agg(jsonb_build_array(saved_filter_id, name, query) ORDER BY lower(name), name)
        FROM saved_filters WHERE account_id = $1
    ) AS filters,
    (SELECT jsonb_object_agg(entity_id, name) FROM entities WHERE entity_id = ANY ($2::bigint[])) AS names
"""


@dataclass(frozen=True, slots=True)
class FrontPage:
    """`newest_arrival`: as `db.intake.arrivals.newest_arrival`. `saved_filters` and `boards` (ids and names of
    corporations) are by name.
    """

    newest_arrival: int
    saved_filters: list[SavedFilter]
    boards: list[tuple[int, str]]


async def front_page(pool: asyncpg.Pool, account_id: int, corporation_ids: Collection[int]) -> FrontPage:
    """The account's. `corporation_ids`: whose boards it sees."""
    row = await pool.fetchrow(_FRONT_PAGE, account_id, list(corporation_ids))
    assert row is not None  # noqa: S101 - a statement without FROM has a row
    names = orjson.loads(row["names"] or "{}")
    boards = [(one, names.get(str(one)) or f"Unknown corporation {one}") for one in corporation_ids]
    filters = [SavedFilter(*one) for one in orjson.loads(row["filters"] or "[]")]
    return FrontPage(row["newest_arrival"], filters, sorted(boards, key=lambda board: board[1]))
