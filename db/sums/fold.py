"""What appraisals put down is added to the sums, a subject at a time.

Every killmail adds to some 14 rows of a subject. Together, and by the only one who writes this subject's sums, many
killmails cost half of what they cost one batch after another; and nobody who stores killmails waits for it.
"""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from db.sums.keep import WITH_OTHERS
from db.sums.rows import merged

FULL = 500
"""So many killmails of a subject wait at most, as far as anybody notices: statistics count them, some 30 µs each."""
AT_ONCE = 2_000
"""Killmails folded by one transaction: some tenths of a second."""

_ALONE = "SELECT FROM summed_subjects WHERE subject_id = $1 FOR UPDATE"
# What an appraisal has in hand is left for the next time: nobody waits for anybody.
_SOME = """
SELECT killmail_id FROM unfolded_sums WHERE subject_id = $1 ORDER BY killmail_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_MERGE = merged(
    "SELECT subject_id, killmail_id, killmails, value, solo FROM unfolded_sums"
    " WHERE subject_id = $1 AND killmail_id = ANY ($2::bigint[])"
)
_DELETE = "DELETE FROM unfolded_sums WHERE subject_id = $1 AND killmail_id = ANY ($2::bigint[])"
_ARE_FULL = """
SELECT id FROM unnest($1::bigint[]) AS asked(id)
WHERE $2 <= (SELECT count(*) FROM (SELECT FROM unfolded_sums WHERE subject_id = id LIMIT $2) AS waiting)
ORDER BY id
"""


async def fold(pool: asyncpg.Pool, subject_id: int, at_most: int = AT_ONCE) -> int:
    """Add what waits of this subject; how many killmails that were. Any number may fold at once."""
    async with pool.acquire() as connection, connection.transaction():
        # Nobody builds meanwhile, or begins again.
        await connection.execute(WITH_OTHERS)
        await connection.execute(_ALONE, subject_id)
        killmail_ids = [row[0] for row in await connection.fetch(_SOME, subject_id, at_most)]
        if killmail_ids:
            # Each row is looked up: the planner would rather read all sums there are.
            await connection.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
            await connection.execute(_MERGE, subject_id, killmail_ids)
            await connection.execute(_DELETE, subject_id, killmail_ids)
    return len(killmail_ids)


async def fold_the_full(pool: asyncpg.Pool, subject_ids: Collection[int], full: int = FULL) -> None:
    """Fold those of whom at least so many killmails wait."""
    if subject_ids:
        for row in await pool.fetch(_ARE_FULL, sorted(subject_ids), full):
            await fold(pool, row[0])


async def waiting_to_be_folded(pool: asyncpg.Pool) -> list[int]:
    """Subjects of whom anything waits."""
    return [row[0] for row in await pool.fetch("SELECT DISTINCT subject_id FROM unfolded_sums ORDER BY subject_id")]
