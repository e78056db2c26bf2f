"""What the front page shows around its list that nothing else reads: one statement for all of it."""

from __future__ import annotations

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
    ) AS filters
"""


@dataclass(frozen=True, slots=True)
class FrontPage:
    """`newest_arrival`: as `db.intake.arrivals.newest_arrival`. `saved_filters`: the account's, by name."""

    newest_arrival: int
    saved_filters: list[SavedFilter]


async def front_page(pool: asyncpg.Pool, account_id: int) -> FrontPage:
    """The account's."""
    row = await pool.fetchrow(_FRONT_PAGE, account_id)
    assert row is not None  # noqa: S101 - a statement without FROM has a row
    return FrontPage(row["newest_arrival"], [SavedFilter(*one) for one in orjson.loads(row["filters"] or "[]")])
