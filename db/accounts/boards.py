"""The boards of which an account decides who sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg

from db.visibility import DIRECTS, NOT_SOLD, Visibility

BoardKind = Literal["character", "corporation"]


@dataclass(frozen=True, slots=True)
class ShownBoard:
    """A pilot's or a corporation's. `changed_at`, `changed_by`: the last change; None if there was none."""

    kind: BoardKind
    board_id: int
    name: str | None
    visibility: Visibility
    changed_at: datetime | None
    changed_by: str | None


async def account_boards(pool: asyncpg.Pool, account_id: int) -> list[ShownBoard]:
    """Those of the account's characters, then those of the corporations that they direct, as EVE has confirmed."""
    rows = await pool.fetch(
        f"""
        WITH boards AS (
            SELECT 'character' AS kind, character_id AS board_id, name, visibility, created_at
              FROM users WHERE account_id = $1 AND {NOT_SOLD}
            UNION ALL
            SELECT 'corporation', f.corporation_id, entities.name,
                   CASE WHEN f.published THEN f.audience ELSE 'private' END, NULL
              FROM corporations_followed f LEFT JOIN entities ON entities.entity_id = f.corporation_id
             WHERE f.corporation_id IN (
                   SELECT d.corporation_id FROM corporation_directors d JOIN users USING (character_id)
                    WHERE users.account_id = $1 AND users.token_state = 'valid' AND {DIRECTS})
        )
        SELECT boards.kind, boards.board_id, boards.name, boards.visibility, change.at, users.name AS changed_by
          FROM boards
          LEFT JOIN LATERAL (
                SELECT at, by_character_id FROM visibility_changes WHERE visibility_changes.board_id = boards.board_id
                 ORDER BY visibility_change_id DESC LIMIT 1) AS change ON true
          LEFT JOIN users ON users.character_id = change.by_character_id
         ORDER BY boards.kind, boards.created_at, boards.board_id
        """,  # noqa: S608 - constants of `db.visibility`
        account_id,
    )
    return [
        ShownBoard(
            row["kind"], row["board_id"], row["name"], Visibility(row["visibility"]), row["at"], row["changed_by"]
        )
        for row in rows
    ]
