"""What a webhook says of a change of a claim: who did what when, and of which loss."""

from __future__ import annotations

from datetime import UTC

import asyncpg

from db.webhooks.subjects import Subject
from db.webhooks.told import Told, told_of

_CHANGE = """
SELECT change.*, claim.corporation_id, claim.character_id, coalesce(person.name, users.name) AS by_name,
       pilot.name AS character_name, corporation.name AS corporation_name
  FROM reimbursement_changes AS change
  JOIN reimbursements AS claim USING (killmail_id)
  LEFT JOIN entities AS person ON person.entity_id = change.by_character_id
  LEFT JOIN users ON users.character_id = change.by_character_id
  LEFT JOIN entities AS pilot ON pilot.entity_id = claim.character_id
  LEFT JOIN entities AS corporation ON corporation.entity_id = claim.corporation_id
 WHERE change.change_id = $1
"""


async def told_change(pool: asyncpg.Pool, change_id: int, site_url: str) -> Told | None:
    """The change, in the schema's names; None: its killmail is gone. Two statements."""
    row = await pool.fetchrow(_CHANGE, change_id)
    if row is None:
        return None
    killmails = await told_of(pool, [row["killmail_id"]], Subject.CORPORATION, row["corporation_id"], site_url)
    return {
        "id": str(change_id),
        "number": row["number"],
        "before": row["before"] and row["before"].upper(),
        "state": row["after"].upper(),
        "note": row["note"],
        "by": {"id": str(row["by_character_id"]), "name": row["by_name"]},
        "role": row["role"].upper(),
        "changedAt": row["changed_at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "pilot": {"id": str(row["character_id"]), "name": row["character_name"]},
        "corporation": {"id": str(row["corporation_id"]), "name": row["corporation_name"]},
        "killmail": killmails[0],
    }
