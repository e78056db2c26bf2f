"""What a day of a list comes to: kills and losses with their ISK, whichever page of the list is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import asyncpg

from db.killmails.conditions import Parameters
from db.killmails.filter import KillmailFilter, Viewer, eyes
from db.killmails.pages import best_start, gathered
from db.killmails.rows import whose_side


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Killmails by the reader's side, and what they were worth in ISK; those without a value count as 0."""

    kills: int
    losses: int
    destroyed: Decimal
    lost: Decimal


async def day_totals(pool: asyncpg.Pool, viewer: Viewer, chosen: KillmailFilter, day: date) -> DayTotals:
    """The whole day (UTC) of the list of these killmails. Two statements, however many killmails it has."""
    begins = datetime.combine(day, time(), UTC)
    since = max(begins, chosen.since or begins)
    until = min(begins + timedelta(days=1), chosen.until or datetime.max.replace(tzinfo=UTC))
    chosen = replace(chosen, since=since, until=until)
    seen_by = eyes(viewer, chosen, "ACCOUNT")
    if seen_by.are_closed:
        return DayTotals(0, 0, Decimal(0), Decimal(0))
    ours = sorted(whose_side(seen_by, chosen))
    async with pool.acquire() as connection:
        start = await best_start(connection, seen_by, chosen)
        parameters = Parameters()
        found = gathered(seen_by, chosen, start.walk, parameters)
        ids = parameters.bind(ours, "bigint[]")
        row = await connection.fetchrow(
            f"""
            WITH found AS MATERIALIZED ({found}), fact AS (
                SELECT coalesce(killmails.total_value, 0) AS value,
                    coalesce(victim.character_id = ANY({ids}), false)
                    OR coalesce(victim.corporation_id = ANY({ids}), false)
                    OR coalesce(victim.alliance_id = ANY({ids}), false) AS lost
                FROM found
                JOIN killmails USING (killmail_id)
                JOIN participants AS victim ON victim.killmail_id = found.killmail_id AND victim.ordinal = 0
            )
            SELECT count(*) FILTER (WHERE NOT lost) AS kills, count(*) FILTER (WHERE lost) AS losses,
                coalesce(sum(value) FILTER (WHERE NOT lost), 0) AS destroyed,
                coalesce(sum(value) FILTER (WHERE lost), 0) AS lost
            FROM fact
            """,
            *parameters.values,
        )
    assert row is not None  # noqa: S101 - sums always have a row
    return DayTotals(**row)
