"""Claims by month, as their pilots and directors see them. The month is that of the loss, in EVE time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg

from db.killmails.cursors import decode_cursor, encode_cursor
from db.reimbursements.changes import change_of
from db.reimbursements.seen import DIRECTED, OWN, SEES
from db.reimbursements.steps import Change, Role, State

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claim:
    """A loss that was claimed. `roles`: what the account that asks is to it. `value`: ISK, None if not known yet."""

    killmail_id: int
    killmail_time: datetime
    state: State
    changes: int
    character_id: int
    character_name: str | None
    corporation_id: int
    corporation_name: str | None
    ship_id: int | None
    ship_name: str | None
    value: Decimal | None
    roles: frozenset[Role]
    history: list[Change]

    @property
    def cursor(self) -> str:
        """The list goes on after it."""
        return encode_cursor(self.killmail_time, self.killmail_id)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which claims. `corporation_id` None: those of the account's own characters; else that corporation's."""

    corporation_id: int | None = None
    month: tuple[datetime, datetime] | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class StateTotal:
    """How many claims are in a state, and what was lost with them, in ISK."""

    state: State
    count: int
    value: Decimal


def month_of(told: str) -> tuple[datetime, datetime] | None:
    """The begin of a month such as 2026-11 and that of the next; None: it is none."""
    found = _MONTH.fullmatch(told)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2])
    return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


_SHOWN = f"""
SELECT claim.*, pilot.name AS character_name, corporation.name AS corporation_name,
       victim.ship_type_id AS ship_id, ship.name AS ship_name, killmails.total_value AS value,
       claim.character_id IN ({OWN}) AS is_pilot, claim.corporation_id IN ({DIRECTED}) AS is_director
  FROM reimbursements AS claim
  JOIN killmails USING (killmail_id)
  JOIN participants AS victim ON victim.killmail_id = claim.killmail_id AND victim.ordinal = 0
  LEFT JOIN entities AS pilot ON pilot.entity_id = claim.character_id
  LEFT JOIN entities AS corporation ON corporation.entity_id = claim.corporation_id
  LEFT JOIN entities AS ship ON ship.entity_id = victim.ship_type_id
"""  # noqa: S608 - constants
# A corporation's claims are for its directors, even if the pilot of one asks; without one, they are the pilot's own.
_WHICH = f"""
 WHERE CASE WHEN $2::bigint IS NULL THEN claim.character_id IN ({OWN})
            ELSE claim.corporation_id = $2 AND claim.corporation_id IN ({DIRECTED}) END
   AND ($3::timestamptz IS NULL OR claim.killmail_time >= $3)
   AND ($4::timestamptz IS NULL OR claim.killmail_time < $4)
   AND ($5::text IS NULL OR claim.state = $5)
"""
_PAGE = f"""{_SHOWN} {_WHICH}
   AND ($6::timestamptz IS NULL OR (claim.killmail_time, claim.killmail_id) < ($6, $7::bigint))
 ORDER BY claim.killmail_time DESC, claim.killmail_id DESC LIMIT $8
"""
_TOTALS = f"""
SELECT claim.state, count(*) AS count, coalesce(sum(killmails.total_value), 0) AS value
  FROM reimbursements AS claim JOIN killmails USING (killmail_id) {_WHICH} GROUP BY claim.state
"""  # noqa: S608 - constants
_HISTORY = """
SELECT change.*, coalesce(entities.name, users.name) AS by_name FROM reimbursement_changes AS change
  LEFT JOIN entities ON entities.entity_id = change.by_character_id
  LEFT JOIN users ON users.character_id = change.by_character_id
 WHERE killmail_id = ANY ($1) ORDER BY killmail_id, number
"""


async def claim_of(pool: asyncpg.Pool, account_id: int, killmail_id: int) -> Claim | None:
    """The claim of a loss; None: there is none that the account may see. Two statements."""
    rows = await pool.fetch(f"{_SHOWN} WHERE claim.killmail_id = $2 AND {SEES}", account_id, killmail_id)
    found = await _with_history(pool, rows)
    return found[0] if found else None


async def claims(
    pool: asyncpg.Pool, account_id: int, asked: Asked, first: int, after: str | None = None
) -> tuple[list[Claim], bool]:
    """A page of claims, the newest loss first, and whether there are more. Two statements.

    Raises:
        InvalidCursor: `after` is not a cursor of this list.
    """
    position = (None, None) if after is None else decode_cursor(after)
    rows = await pool.fetch(_PAGE, *_which(account_id, asked), *position, first + 1)
    return await _with_history(pool, rows[:first]), len(rows) > first


async def totals(pool: asyncpg.Pool, account_id: int, asked: Asked) -> list[StateTotal]:
    """How many claims are in which state, in the order of the states; those without any are left out."""
    rows = await pool.fetch(_TOTALS, *_which(account_id, asked))
    found = {State(row["state"]): row for row in rows}
    return [StateTotal(one, found[one]["count"], found[one]["value"]) for one in State if one in found]


async def directed(pool: asyncpg.Pool, account_id: int) -> list[tuple[int, str | None]]:
    """The corporations whose claims the account may decide on, with their names."""
    rows = await pool.fetch(
        f"SELECT DISTINCT led.corporation_id, entities.name FROM ({DIRECTED}) AS led"  # noqa: S608 - a constant
        " LEFT JOIN entities ON entities.entity_id = led.corporation_id ORDER BY led.corporation_id",
        account_id,
    )
    return [(row["corporation_id"], row["name"]) for row in rows]


def _which(account_id: int, asked: Asked) -> list[object]:
    begin, end = asked.month or (None, None)
    return [account_id, asked.corporation_id, begin, end, asked.state and str(asked.state)]


async def _with_history(pool: asyncpg.Pool, rows: Sequence[asyncpg.Record]) -> list[Claim]:
    if not rows:
        return []
    histories: dict[int, list[Change]] = {}
    for row in await pool.fetch(_HISTORY, [row["killmail_id"] for row in rows]):
        histories.setdefault(row["killmail_id"], []).append(change_of(row))
    return [_claim(row, histories[row["killmail_id"]]) for row in rows]


def _claim(row: asyncpg.Record, history: list[Change]) -> Claim:
    roles = {Role.PILOT: row["is_pilot"], Role.DIRECTOR: row["is_director"]}
    return Claim(
        row["killmail_id"],
        row["killmail_time"],
        State(row["state"]),
        row["changes"],
        row["character_id"],
        row["character_name"],
        row["corporation_id"],
        row["corporation_name"],
        row["ship_id"],
        row["ship_name"],
        row["value"],
        frozenset(role for role, holds in roles.items() if holds),
        history,
    )
