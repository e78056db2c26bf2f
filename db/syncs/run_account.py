"""The account of a killmail list: every killmail ESI listed is stored, pending or failed, and none is missing.

It is made from what ESI said (`killmail_lists`) and what is here (`killmails`), never from what a run believes
to have done: a reference that was lost on the way shows as pending for ever, under `NEVER_RECORDED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

NEVER_RECORDED = "NeverRecorded"
"""Reason of a killmail that ESI lists and `killmail_refs` does not know: a bug, or a restored backup."""


@dataclass(frozen=True, slots=True)
class ListAccount:
    """`listed` = `stored` + `pending` + `failed`; `failures`: the failed ones by reason."""

    listed: int
    stored: int
    pending: int
    failed: int
    failures: dict[str, int]
    newest_killmail_at: datetime | None


async def account_of(
    database: asyncpg.Pool | Connection, list_of: int, run_killmail_ids: list[int] | None = None
) -> ListAccount:
    """What became of all that ESI lists to a character or corporation, and of what it listed before and is wanted.

    Args:
        run_killmail_ids: what a run set out to store; it belongs to the account even if it has left the list.
    """
    row = await database.fetchrow(
        """
        WITH listed AS (
            SELECT unnest(killmail_ids) AS killmail_id FROM killmail_lists WHERE list_of = $1
            UNION SELECT unnest($2::bigint[])
            UNION SELECT killmail_id FROM killmail_refs WHERE first_seen_by = $1 AND stored_at IS NULL
        ), known AS (
            SELECT k.killmail_id IS NOT NULL AS stored, k.killmail_time,
                   CASE WHEN k.killmail_id IS NULL AND r.parked_at IS NOT NULL
                        THEN coalesce(r.last_error, 'Unknown') END AS failure
              FROM listed LEFT JOIN killmails k USING (killmail_id) LEFT JOIN killmail_refs r USING (killmail_id)
        )
        SELECT count(*) AS listed, count(*) FILTER (WHERE stored) AS stored,
               count(*) FILTER (WHERE NOT stored AND failure IS NULL) AS pending, count(failure) AS failed,
               (SELECT coalesce(jsonb_object_agg(failure, n), '{}')
                  FROM (SELECT failure, count(*) AS n FROM known WHERE failure IS NOT NULL GROUP BY failure) AS f
               )::text AS failures,
               max(killmail_time) AS newest_killmail_at
          FROM known
        """,
        list_of,
        run_killmail_ids or [],
    )
    assert row is not None  # noqa: S101 - an aggregate always has a row
    return ListAccount(**{**row, "failures": orjson.loads(row["failures"])})
