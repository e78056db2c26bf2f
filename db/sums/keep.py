"""Sums follow appraisals: what an appraisal changed is added in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import asyncpg

from db.sums.rows import written

# Whoever builds sums holds it alone for a moment: an appraisal is wholly before that moment, or wholly after it.
LOCK = "hashtext('killmail sums')"
_WITH_OTHERS = f"SELECT pg_advisory_xact_lock_shared({LOCK})"

_ADDED = """
SELECT DISTINCT known.subject_id, changed.killmail_id, changed.killmails, changed.value, changed.solo
FROM unnest($1::bigint[], $2::int[], $3::numeric[], $4::int[]) AS changed(killmail_id, killmails, value, solo)
JOIN participants ON participants.killmail_id = changed.killmail_id
CROSS JOIN LATERAL (VALUES (participants.character_id), (participants.corporation_id)) AS one(id)
JOIN summed_subjects AS known
    ON known.subject_id = one.id AND participants.killmail_time <= known.counted_until
"""
_ADD = written(_ADDED)


@dataclass(frozen=True, slots=True)
class Change:
    """What an appraisal made of a killmail. `killmails`: 1 with the first appraisal; `value`: ISK more than before."""

    killmail_id: int
    killmails: int
    value: Decimal
    solo: int


async def keep_sums(connection: asyncpg.pool.PoolConnectionProxy, changes: Sequence[Change]) -> None:
    """Add this to the sums of everybody on these killmails. In the transaction that changed them, as its last step.

    The order of locks is the same in every writer: `killmails` by id, then the lock of the sums, then their rows by
    primary key.
    """
    if not changes:
        return
    # A statement of its own: the next one must see whom its holder was building.
    await connection.execute(_WITH_OTHERS)
    await connection.execute(
        _ADD,
        [change.killmail_id for change in changes],
        [change.killmails for change in changes],
        [change.value for change in changes],
        [change.solo for change in changes],
    )
