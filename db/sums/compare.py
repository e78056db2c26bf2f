"""Sums, and what waits to be folded into them, against a fresh count of the killmails, for doctor."""

from __future__ import annotations

from datetime import date

import asyncpg

from db.sums.rows import COLUMNS, Span, rows_of, whole_killmails

_IDS = """
SELECT DISTINCT $1::bigint AS subject_id, killmail_id
FROM participants
WHERE
    {column} = $1
    AND killmail_time >= $2::timestamp AT TIME ZONE 'UTC' AND killmail_time < $3::timestamp AT TIME ZONE 'UTC'
"""
_UNFOLDED = "SELECT subject_id, killmail_id, killmails, value, solo FROM unfolded_sums WHERE subject_id = $1"
_FIGURES = ("kills", "losses", "solo", "destroyed", "lost")
_DIFFERENCES = """
SELECT count(*)
FROM (SELECT * FROM ({fresh}) AS fresh WHERE $4::smallint IS NULL OR span = $4) AS fresh
FULL JOIN (
    SELECT subject_id, kind, span, first_day, entity_id, {sums}
    FROM (
        SELECT {columns} FROM killmail_sums WHERE subject_id = $1 AND (span <> {month:d} OR {by_month})
        UNION ALL SELECT * FROM ({unfolded}) AS unfolded
    ) AS added_up
    WHERE $4::smallint IS NULL OR span = $4 AND first_day >= $2::date AND first_day < $3::date
    GROUP BY 1, 2, 3, 4, 5
) AS kept USING (subject_id, kind, span, first_day, entity_id)
WHERE
    ({of_fresh}) IS DISTINCT FROM ({of_kept})
    AND EXISTS (SELECT FROM summed_subjects WHERE subject_id = $1 AND counted_until = 'infinity')
"""
_SOME_DAYS = """
SELECT subject.subject_id, (
    SELECT first_day FROM killmail_sums
    WHERE killmail_sums.subject_id = subject.subject_id AND kind = 0 AND span = 0
        AND first_day >= '2003-01-01'::date + (random() * (current_date - '2003-01-01'::date))::int
    ORDER BY kind, span, first_day LIMIT 1
) AS day
FROM (
    SELECT subject_id FROM summed_subjects WHERE counted_until = 'infinity' ORDER BY random() LIMIT $1
) AS subject
"""


async def some_days(pool: asyncpg.Pool, at_most: int) -> list[tuple[int, date]]:
    """So many subjects by chance, each with a day on which it did something; where chance met no day, none."""
    rows = await pool.fetch(_SOME_DAYS, at_most)
    return [(row["subject_id"], row["day"]) for row in rows if row["day"] is not None]


async def finished_subjects(pool: asyncpg.Pool) -> list[int]:
    """Everybody whose sums are whole."""
    rows = await pool.fetch(
        "SELECT subject_id FROM summed_subjects WHERE counted_until = 'infinity' ORDER BY subject_id"
    )
    return [row[0] for row in rows]


async def wrong_sums(pool: asyncpg.Pool, subject_id: int, day: date | None = None) -> int:
    """How many rows of this subject, or of its `day` (UTC), are not what a count gives now. Of one moment, so also
    beside workers; of sums that are not whole: 0."""
    is_corporation = await pool.fetchval("SELECT is_corporation FROM summed_subjects WHERE subject_id = $1", subject_id)
    ids = _IDS.format(column="corporation_id" if is_corporation else "character_id")
    statement = _DIFFERENCES.format(
        fresh=rows_of(whole_killmails(ids)),
        unfolded=rows_of(_UNFOLDED),
        columns=COLUMNS,
        month=Span.MONTH,
        by_month="(SELECT by_month FROM summed_subjects WHERE subject_id = $1)",
        sums=", ".join(f"sum({name}) AS {name}" for name in _FIGURES),
        of_fresh=", ".join(f"fresh.{name}" for name in _FIGURES),
        of_kept=", ".join(f"kept.{name}" for name in _FIGURES),
    )
    first = date.min if day is None else day
    last = date.max if day is None else date.fromordinal(day.toordinal() + 1)
    wrong: int = await pool.fetchval(statement, subject_id, first, last, None if day is None else int(Span.DAY))
    return wrong
