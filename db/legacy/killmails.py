"""The old system's killmails become references; bodies come from EVE, or from its rows where EVE gives none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from db.intake.receive import Bringer, receive_killmails
from db.intake.references import HashFrom, add_references, given_up_among
from db.legacy.bodies import CannotBeBuilt, build_body
from db.legacy.source import LegacyDatabase
from eve.killmail import is_killmail_hash
from live import LiveEvents

REBUILT_AT_ONCE = 50
"""Bodies put together at once, at most."""
NOBODY = 0
"""Who showed us these references: no list of a character or corporation that is read here. So the watchdog fetches
them, at the pace of a backfill, unless a list of EVE's shows them too."""
NO_ID = "an id"
EXAMPLES = 10
OrderNames = Callable[[Sequence[int]], Awaitable[None]]

_UNFINISHED = """
SELECT killmail_id FROM killmails
 WHERE killmail_id = ANY ($1)
   AND NOT EXISTS (SELECT FROM killmail_arrivals a WHERE a.killmail_id = killmails.killmail_id)
 ORDER BY killmail_id
"""
_WAITING = "SELECT count(*) FROM killmail_refs WHERE killmail_id = ANY ($1) AND stored_at IS NULL AND parked_at IS NULL"


@dataclass(slots=True)
class KillmailsTaken:
    """What became of them. `examples`: ids of killmails without a body, for each reason a few."""

    came: int = 0
    already_here: int = 0
    waiting: int = 0
    """References, come now or earlier, whose bodies are to be fetched from EVE."""
    rebuilt: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    """Not taken, or without a body here and there, by what is missing."""
    examples: dict[str, list[int]] = field(default_factory=dict)

    def refuse(self, reason: str, killmail_id: int | None = None) -> None:
        """Count one that cannot be used."""
        self.unusable[reason] += 1
        if killmail_id is not None and len(examples := self.examples.setdefault(reason, [])) < EXAMPLES:
            examples.append(killmail_id)


async def take_killmails(
    pool: asyncpg.Pool,
    live: LiveEvents,
    old: LegacyDatabase,
    rows: Sequence[asyncpg.Record],
    order_names: OrderNames,
    taken: KillmailsTaken,
) -> None:
    """Take a page of its killmails: references first, then bodies of those that EVE does not give.

    Args:
        order_names: has what killmails mention named; called before they are stored, so that no crash in between
            leaves them without names.
        taken: is added to.
    """
    page = {row["killmail_id"]: row for row in rows if (row["killmail_id"] or 0) > 0}
    for _ in range(len(rows) - len(page)):
        taken.refuse(NO_ID)
    killmail_ids = list(page)
    known = await pool.fetchval("SELECT count(*) FROM killmail_refs WHERE killmail_id = ANY ($1)", killmail_ids)
    references = [(killmail_id, _hash(row)) for killmail_id, row in page.items()]
    async with pool.acquire() as connection, connection.transaction():
        await add_references(connection, NOBODY, references, HashFrom.LEGACY)
    taken.already_here += known
    taken.came += len(page) - known
    given_up = await given_up_among(pool, killmail_ids)
    for start in range(0, len(given_up), REBUILT_AT_ONCE):
        await _rebuild(
            pool, live, old, [page[one] for one in given_up[start : start + REBUILT_AT_ONCE]], order_names, taken
        )
    # A run that died had stored them and said so to nobody.
    unfinished = [row["killmail_id"] for row in await pool.fetch(_UNFINISHED, killmail_ids)]
    await receive_killmails(pool, live, (), killmail_ids=unfinished, by=Bringer.LEGACY)
    taken.waiting += await pool.fetchval(_WAITING, killmail_ids)


async def _rebuild(
    pool: asyncpg.Pool,
    live: LiveEvents,
    old: LegacyDatabase,
    killmails: Sequence[asyncpg.Record],
    order_names: OrderNames,
    taken: KillmailsTaken,
) -> None:
    parts = await old.parts([killmail["killmail_id"] for killmail in killmails])
    bodies: dict[int, bytes] = {}
    for killmail in killmails:
        killmail_id = killmail["killmail_id"]
        of_it = (parts[table].get(killmail_id, []) for table in ("victims", "attackers", "killmail_items"))
        try:
            bodies[killmail_id] = build_body(killmail, *of_it)
        except CannotBeBuilt as error:
            taken.refuse(str(error), killmail_id)
    if not bodies:
        return
    await order_names(list(bodies))
    received = await receive_killmails(pool, live, list(bodies.values()), killmail_ids=list(bodies), by=Bringer.LEGACY)
    for refused in received.refused:
        taken.refuse("a form that Postgres takes", list(bodies)[refused.position])
    taken.rebuilt += len(received.new)


def _hash(row: asyncpg.Record) -> str:
    """Empty where it is no hash: then EVE is not asked for it."""
    text = (row["killmail_hash"] or "").strip().lower()
    return text if is_killmail_hash(text) else ""
