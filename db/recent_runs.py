"""The last runs of each character that had something to do, for its pilot."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from db.sync_status import LastRun, finished_run

REMEMBERED = 20
_RECENT = """
SELECT users.character_id, run.*
FROM unnest($1::bigint[]) AS users(character_id)
CROSS JOIN LATERAL (
    SELECT kind, started_at, finished_at, listed, new, stored, pending, failed, failures, run_id
    FROM sync_runs
    WHERE sync_runs.character_id = users.character_id AND finished_at IS NOT NULL
    ORDER BY run_id DESC
    LIMIT $2
) AS run
ORDER BY run.run_id DESC
"""


async def recent_runs(pool: asyncpg.Pool, character_ids: Collection[int]) -> dict[int, list[LastRun]]:
    """Of each of these characters the newest finished runs, newest first. One statement."""
    runs: dict[int, list[LastRun]] = {character_id: [] for character_id in character_ids}
    for row in await pool.fetch(_RECENT, list(runs), REMEMBERED):
        runs[row["character_id"]].append(finished_run(row))
    return runs
