"""Of whom there are sums, and how they are made from killmails that are there already.

A subject is built from its oldest killmail on, a piece at a time; `counted_until` tells how far. An appraisal adds to
sums only what lies before that, and a piece is counted while no appraisal is under way: so each killmail is in them
once, or waits to be folded into them. Whatever dies leaves a beginning that the next call goes on with.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from db.sums.keep import LOCK
from db.sums.rows import whole_killmails, written

SUMMED_FROM = 2_000
"""Killmails from which on a subject is summed; fewer are counted in less than a tenth of a second."""
LOOKED_AT = 500
"""Pilots whose killmails one statement counts, to `SUMMED_FROM`."""
BY_MONTH_FROM = 20_000
"""Killmails from which on a subject has sums by month, too. Of others hardly anything comes twice in a month."""
PIECE = 2_000
"""Killmails counted while appraisals wait: some tenths of a second."""
DELETED = 20_000
"""Rows of old sums taken away at once."""

_NOT_YET = datetime.min.replace(tzinfo=UTC)
"""Postgres's -infinity."""
_ALONE = f"SELECT pg_advisory_xact_lock({LOCK})"
# Nobody but its own pilot, or who sees its board, may see all of a subject.
_CANDIDATES = """
SELECT id, is_corporation
FROM (
    SELECT character_id AS id, false AS is_corporation FROM users
    UNION ALL
    SELECT corporation_id, true FROM corporations_followed
) AS anybody
WHERE NOT EXISTS (SELECT FROM summed_subjects WHERE subject_id = id)
ORDER BY id
"""
_PUT_DOWN = """
INSERT INTO summed_subjects (subject_id, is_corporation)
SELECT id, is_corporation
FROM unnest($1::bigint[], $2::boolean[]) AS candidate(id, is_corporation)
WHERE $3 <= CASE
    WHEN is_corporation THEN (
        SELECT count(*) FROM (SELECT FROM participants WHERE corporation_id = candidate.id LIMIT $3) AS met
    )
    ELSE (SELECT count(*) FROM (SELECT FROM participants WHERE character_id = candidate.id LIMIT $3) AS met)
END
ORDER BY id
ON CONFLICT DO NOTHING
"""
_IS_VERY_BUSY = "SELECT $2 <= (SELECT count(*) FROM (SELECT FROM participants WHERE {column} = $1 LIMIT $2) AS met)"
_DELETE = """
DELETE FROM killmail_sums WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM killmail_sums WHERE subject_id = $1 LIMIT $2
))
"""
_UNTIL = """
SELECT coalesce((
    SELECT killmail_time FROM participants
    WHERE {column} = $1 AND killmail_time > $2 ORDER BY killmail_time, killmail_id OFFSET $3 LIMIT 1
), 'infinity')
"""
_IDS = """
SELECT DISTINCT {column} AS subject_id, killmail_id
FROM participants
WHERE {column} = $1 AND killmail_time > $2 AND killmail_time <= $3
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many subjects there are, and of how many the sums are whole."""

    subjects: int
    finished: int


async def choose_subjects(pool: asyncpg.Pool, at_least: int = SUMMED_FROM) -> None:
    """Put down everybody who has become busy; those that were put down once stay.

    Args:
        at_least: killmails that make busy.
    """
    candidates = await pool.fetch(_CANDIDATES)
    for start in range(0, len(candidates), LOOKED_AT):
        some = candidates[start : start + LOOKED_AT]
        ids, are_corporations = [row["id"] for row in some], [row["is_corporation"] for row in some]
        await pool.execute(_PUT_DOWN, ids, are_corporations, at_least)


async def begin_again(pool: asyncpg.Pool, subject_ids: Collection[int] | None = None) -> None:
    """Nothing is in the sums of these, or of all, any more: statistics are counted until they are built."""
    chosen = None if subject_ids is None else list(subject_ids)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_ALONE)
        await connection.execute(
            "UPDATE summed_subjects SET counted_until = NULL"
            " WHERE $1::bigint[] IS NULL OR subject_id = ANY ($1::bigint[])",
            chosen,
        )
        await connection.execute(
            "DELETE FROM unfolded_sums WHERE $1::bigint[] IS NULL OR subject_id = ANY ($1::bigint[])", chosen
        )


async def unfinished(pool: asyncpg.Pool) -> list[int]:
    """Subjects whose sums are not whole."""
    rows = await pool.fetch(
        "SELECT subject_id FROM summed_subjects WHERE counted_until IS DISTINCT FROM 'infinity' ORDER BY subject_id"
    )
    return [row[0] for row in rows]


async def how_far(pool: asyncpg.Pool) -> Progress:
    """Of all subjects."""
    row = await pool.fetchrow(
        "SELECT count(*) AS subjects, count(*) FILTER (WHERE counted_until = 'infinity') AS finished"
        " FROM summed_subjects"
    )
    assert row is not None  # noqa: S101 - counts always have a row
    return Progress(**row)


async def build_piece(
    pool: asyncpg.Pool, subject_id: int, piece: int = PIECE, by_month_from: int = BY_MONTH_FROM
) -> bool:
    """One step for this subject, in a transaction; whether there is more to do. Any number may build at once.

    Args:
        piece: killmails counted at most.
        by_month_from: killmails that a subject must have for sums by month; asked when it is begun.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_ALONE)
        row = await connection.fetchrow(
            "SELECT is_corporation, counted_until, by_month FROM summed_subjects"
            " WHERE subject_id = $1 AND counted_until IS DISTINCT FROM 'infinity'",
            subject_id,
        )
        if row is None:
            return False
        column = "corporation_id" if row["is_corporation"] else "character_id"
        since, by_month = row["counted_until"], row["by_month"]
        if since is None:
            deleted = await connection.execute(_DELETE, subject_id, DELETED)
            until = _NOT_YET if deleted == "DELETE 0" else None
            by_month = await connection.fetchval(_IS_VERY_BUSY.format(column=column), subject_id, by_month_from)
        else:
            until = await connection.fetchval(_UNTIL.format(column=column), subject_id, since, piece)
            ids = _IDS.format(column=column)
            await connection.execute(written(whole_killmails(ids)), subject_id, since, until)
        await connection.execute(
            "UPDATE summed_subjects SET counted_until = $2, by_month = $3 WHERE subject_id = $1",
            subject_id,
            until,
            by_month,
        )
    return True
