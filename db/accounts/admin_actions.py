"""The audit log: who among the operators ordered what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

UNDER_WAY = "under way"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class ShownAction:
    """An order. `by_name`: None when the operator's character has left since."""

    at: datetime
    by_character_id: int
    by_name: str | None
    action: str
    subject: str
    outcome: str


async def begin_action(pool: asyncpg.Pool, by_character_id: int, action: str, subject: str) -> int:
    """Write an order down before it is carried out, so that none is ever missing. Returns its id."""
    identity: int = await pool.fetchval(
        "INSERT INTO admin_actions (by_character_id, action, subject, outcome) VALUES ($1, $2, $3, $4)"
        " RETURNING admin_action_id",
        by_character_id,
        action,
        subject,
        UNDER_WAY,
    )
    return identity


async def end_action(pool: asyncpg.Pool, admin_action_id: int, outcome: str) -> None:
    """What came of it, in a sentence."""
    await pool.execute("UPDATE admin_actions SET outcome = $2 WHERE admin_action_id = $1", admin_action_id, outcome)


async def latest_actions(pool: asyncpg.Pool) -> list[ShownAction]:
    """The newest orders, newest first."""
    rows = await pool.fetch(
        "SELECT a.at, a.by_character_id, users.name AS by_name, a.action, a.subject, a.outcome FROM admin_actions a"
        " LEFT JOIN users ON users.character_id = a.by_character_id ORDER BY a.admin_action_id DESC LIMIT $1",
        SHOWN,
    )
    return [ShownAction(**dict(row)) for row in rows]


async def operator_among(pool: asyncpg.Pool, account_id: int, admin_character_ids: frozenset[int]) -> int | None:
    """The account's character that is an operator; None if it has none whose permission still stands.

    One whose owner changed, or whose permission was withdrawn, is nobody's proof any more.
    """
    found: int | None = await pool.fetchval(
        "SELECT min(character_id) FROM users"
        " WHERE account_id = $1 AND character_id = ANY ($2) AND token_state = 'valid'",
        account_id,
        list(admin_character_ids),
    )
    return found
