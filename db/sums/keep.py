"""Sums follow appraisals: what an appraisal changed is put down in its own transaction, and added later (`fold`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import asyncpg

# Whoever builds sums holds it alone for a moment: an appraisal is wholly before that moment, or wholly after it.
LOCK = "hashtext('killmail sums')"
WITH_OTHERS = f"SELECT pg_advisory_xact_lock_shared({LOCK})"
ONE_IN = 16
"""Of so many killmails one is sampled."""

# One row for each subject and killmail: a killmail's rows in the sums are about 14 for each, and wait for `fold`.
_ADD = f"""
WITH added AS (
    INSERT INTO unfolded_sums AS kept (subject_id, killmail_id, killmails, value, solo)
    SELECT DISTINCT known.subject_id, changed.killmail_id, changed.killmails, changed.value, changed.solo
    FROM unnest($1::bigint[], $2::int[], $3::numeric[], $4::int[]) AS changed(killmail_id, killmails, value, solo)
    CROSS JOIN LATERAL (
        -- OFFSET 0: its killmail is the way to find it; of a large batch the planner would read the whole table.
        SELECT character_id, corporation_id, killmail_time
        FROM participants WHERE participants.killmail_id = changed.killmail_id OFFSET 0
    ) AS present
    CROSS JOIN LATERAL (VALUES (present.character_id), (present.corporation_id)) AS one(id)
    JOIN summed_subjects AS known ON known.subject_id = one.id AND present.killmail_time <= known.counted_until
    ORDER BY 1, 2
    ON CONFLICT (subject_id, killmail_id) DO UPDATE SET
        killmails = kept.killmails + excluded.killmails, value = kept.value + excluded.value,
        solo = kept.solo + excluded.solo
    RETURNING subject_id, killmail_id
)
SELECT DISTINCT subject_id FROM added WHERE killmail_id % {ONE_IN} = 0
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What an appraisal made of a killmail. `killmails`: 1 with the first appraisal; `value`: ISK more than before."""

    killmail_id: int
    killmails: int
    value: Decimal
    solo: int


async def keep_sums(connection: asyncpg.pool.PoolConnectionProxy, changes: Sequence[Change]) -> set[int]:
    """Put down what this adds to everybody on these killmails. In the transaction that changed them, as its last step.

    The order of locks is the same in every writer: `killmails` by id, then the lock of the sums, then rows by primary
    key.

    Returns:
        A sample of the subjects: `fold_the_full` is to look at them after the commit. The more there is to be folded of
        a subject, the sooner it is among them.
    """
    if not changes:
        return set()
    # A statement of its own: the next one must see whom its holder was building.
    await connection.execute(WITH_OTHERS)
    rows = await connection.fetch(
        _ADD,
        [change.killmail_id for change in changes],
        [change.killmails for change in changes],
        [change.value for change in changes],
        [change.solo for change in changes],
    )
    return {row["subject_id"] for row in rows}
