"""One step of a claim: checked, written down and handed to webhooks in one transaction.

Whoever changes a claim says how many changes they have seen. Of two at once the second is told what the first did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from db.reimbursements.seen import DIRECTED, HAS_DIRECTOR, OWN
from db.reimbursements.steps import (
    STEPS,
    Change,
    NobodyDecides,
    NoStep,
    NotYourLoss,
    Overtaken,
    Role,
    State,
)

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss, and what the account is to it. `by`: the account's character in each of its roles."""

    killmail_id: int
    character_id: int
    corporation_id: int
    killmail_time: datetime
    by: dict[Role, int]
    has_director: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """What a step came to: its number, and the webhooks that have it to tell."""

    number: int
    webhook_ids: list[int]


_LOSS = f"""
SELECT victim.killmail_id, victim.character_id, victim.corporation_id, victim.killmail_time,
       (SELECT own.character_id FROM ({OWN}) AS own WHERE own.character_id = victim.character_id) AS pilot,
       (SELECT min(d.character_id) FROM corporation_directors d JOIN users USING (character_id)
         WHERE d.corporation_id = victim.corporation_id AND users.account_id = $1
           AND d.corporation_id IN ({DIRECTED}) AND users.token_state = 'valid'
           AND d.standing = 'good' AND d.role_seen_at IS NOT NULL) AS director,
       {HAS_DIRECTOR.format(corporation="victim.corporation_id")} AS has_director
  FROM participants AS victim
 WHERE victim.killmail_id = $2 AND victim.ordinal = 0 AND victim.character_id IS NOT NULL
   AND victim.corporation_id IS NOT NULL
"""  # noqa: S608 - constants
_LAST = """
SELECT change.*, coalesce(entities.name, users.name) AS by_name FROM reimbursement_changes AS change
  LEFT JOIN entities ON entities.entity_id = change.by_character_id
  LEFT JOIN users ON users.character_id = change.by_character_id
 WHERE killmail_id = $1 ORDER BY number DESC LIMIT 1
"""
_HAND_OVER = """
INSERT INTO webhook_deliveries (webhook_id, reimbursement_change_id, state)
SELECT webhook_id, $2, 'waiting' FROM webhooks
 WHERE subject = 'corporation' AND subject_id = $1 AND tells IN ('reimbursements', 'both') AND paused_reason IS NULL
RETURNING webhook_id
"""


async def loss_of(pool: asyncpg.Pool | Connection, account_id: int, killmail_id: int) -> Loss | None:
    """A pilot's loss that the account has to do with; None for all others."""
    row = await pool.fetchrow(_LOSS, account_id, killmail_id)
    if row is None:
        return None
    by = {role: row[role] for role in Role if row[role] is not None}
    if not by:
        return None
    return Loss(
        row["killmail_id"],
        row["character_id"],
        row["corporation_id"],
        row["killmail_time"],
        by,
        row["has_director"],
    )


async def change(pool: asyncpg.Pool, account_id: int, killmail_id: int, after: State, seen: int, note: str) -> Changed:
    """Take the claim of a loss to another state, or make it.

    Args:
        seen: how many changes of it the account has seen; 0: none, there was no claim.

    Raises:
        NotYourLoss, NobodyDecides, NoStep, Overtaken: as they say; nothing was changed.
    """
    async with pool.acquire() as connection, connection.transaction():
        loss = await loss_of(connection, account_id, killmail_id)
        if loss is None:
            raise NotYourLoss
        if not loss.has_director:
            raise NobodyDecides
        before = await _before(connection, loss, seen)
        role = _role(loss, before, after)
        number = seen + 1
        if before is not None:
            await connection.execute(
                "UPDATE reimbursements SET state = $2, changes = $3, changed_at = now() WHERE killmail_id = $1",
                killmail_id,
                str(after),
                number,
            )
        change_id = await connection.fetchval(
            """
            INSERT INTO reimbursement_changes (killmail_id, number, before, after, note, by_character_id, role)
            VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING change_id
            """,
            killmail_id,
            number,
            before and str(before),
            str(after),
            note,
            loss.by[role],
            str(role),
        )
        told = await connection.fetch(_HAND_OVER, loss.corporation_id, change_id)
    return Changed(number, [row["webhook_id"] for row in told])


async def _before(connection: Connection, loss: Loss, seen: int) -> State | None:
    """The state of the claim, which is the caller's to change until the transaction ends. None: it was just made."""
    if seen == 0:
        made = await connection.fetchval(
            """
            INSERT INTO reimbursements (killmail_id, character_id, corporation_id, killmail_time, state, changes)
            VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT DO NOTHING RETURNING true
            """,
            loss.killmail_id,
            loss.character_id,
            loss.corporation_id,
            loss.killmail_time,
            str(State.CLAIMED),
        )
        if made:
            return None
    row = await connection.fetchrow(
        "SELECT state, changes FROM reimbursements WHERE killmail_id = $1 FOR UPDATE", loss.killmail_id
    )
    if row is None:
        raise NoStep(None, State.CLAIMED, Role.PILOT)  # it has seen changes of a claim that there never was
    if row["changes"] != seen:
        last = await connection.fetchrow(_LAST, loss.killmail_id)
        assert last is not None  # noqa: S101 - a claim has a history
        raise Overtaken(change_of(last))
    return State(row["state"])


def _role(loss: Loss, before: State | None, after: State) -> Role:
    """As what the account may do this.

    Raises:
        NoStep: it may not.
    """
    allowed = STEPS[before].get(after, frozenset())
    for role in Role:
        if role in allowed and role in loss.by:
            return role
    raise NoStep(before, after, Role.DIRECTOR if Role.DIRECTOR in loss.by else Role.PILOT)


def change_of(row: asyncpg.Record) -> Change:
    """A row of `reimbursement_changes` with `by_name`."""
    return Change(
        row["change_id"],
        row["number"],
        row["before"] and State(row["before"]),
        State(row["after"]),
        row["note"],
        row["by_character_id"],
        row["by_name"],
        Role(row["role"]),
        row["changed_at"],
    )
