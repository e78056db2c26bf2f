"""The one write path: killmail bodies go in as ESI sent them, Postgres takes them apart.

One statement is one transaction: a killmail is stored with its body and everyone on it, or not at all.
Parsing in SQL costs a fortieth of the client's CPU that rows made in Python cost, and the replay of known
killmails (the common case) touches no child table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import orjson

# Old killmails name a faction where a corporation belongs (esi-issues 354; ids: ESI docs, "ID ranges").
_IS_FACTION = "BETWEEN 500000 AND 599999"


def _corporation(whose: str) -> str:
    return f"CASE WHEN {whose}.corporation_id {_IS_FACTION} THEN NULL ELSE {whose}.corporation_id END"


def _faction(whose: str) -> str:
    return (
        f"coalesce({whose}.faction_id, CASE WHEN {whose}.corporation_id {_IS_FACTION} THEN {whose}.corporation_id END)"
    )


# The order of locks is the same in every writer, or two writers of overlapping batches deadlock: rows of
# `killmails` by id (an INSERT waits for the other's uncommitted row of the same id), and only when all
# of them are ours (`mine`), rows of `killmail_refs` by id.
# `killmail_hash` never belongs into a body; a stand-in for ESI that adds it must not spread it.
_STORE = """
WITH document AS (
    SELECT DISTINCT ON (killmail_id) killmail_id, body
    FROM (
        SELECT
            (body ->> 'killmail_id')::bigint AS killmail_id, position,
            CASE WHEN body ? 'killmail_hash' THEN body - 'killmail_hash' ELSE body END AS body
        FROM unnest($1::jsonb[]) WITH ORDINALITY AS sent(body, position)
    ) AS parsed
    ORDER BY killmail_id, position
),
fresh AS (
    INSERT INTO killmails (killmail_id, killmail_time, solar_system_id, attacker_count)
    SELECT
        killmail_id,
        (body ->> 'killmail_time')::timestamptz,
        (body ->> 'solar_system_id')::bigint,
        jsonb_array_length(body -> 'attackers')
    FROM document
    ORDER BY killmail_id
    ON CONFLICT (killmail_id) DO NOTHING
    RETURNING killmail_id, killmail_time
),
mine AS MATERIALIZED (
    SELECT array_agg(killmail_id ORDER BY killmail_id) AS killmail_ids FROM fresh
),
bodies AS (
    INSERT INTO killmail_bodies (killmail_id, body)
    SELECT killmail_id, body FROM fresh JOIN document USING (killmail_id)
),
victims AS (
    INSERT INTO participants (
        killmail_id, ordinal, killmail_time, is_victim, character_id, corporation_id, alliance_id, faction_id,
        ship_type_id, damage, final_blow
    )
    SELECT
        fresh.killmail_id, 0, fresh.killmail_time, true,
        victim.character_id, {victim_corporation}, victim.alliance_id, {victim_faction},
        victim.ship_type_id, victim.damage_taken, false
    FROM fresh
    JOIN document USING (killmail_id)
    CROSS JOIN LATERAL jsonb_to_record(document.body -> 'victim') AS victim(
        character_id bigint, corporation_id bigint, alliance_id bigint, faction_id bigint,
        ship_type_id bigint, damage_taken bigint
    )
),
attackers AS (
    INSERT INTO participants (
        killmail_id, ordinal, killmail_time, is_victim, character_id, corporation_id, alliance_id, faction_id,
        ship_type_id, weapon_type_id, damage, final_blow, security_status
    )
    SELECT
        fresh.killmail_id, attacker.ordinal, fresh.killmail_time, false,
        attacker.character_id, {attacker_corporation}, attacker.alliance_id, {attacker_faction},
        attacker.ship_type_id, attacker.weapon_type_id, attacker.damage_done, attacker.final_blow,
        attacker.security_status
    FROM fresh
    JOIN document USING (killmail_id)
    CROSS JOIN LATERAL ROWS FROM (
        jsonb_to_recordset(document.body -> 'attackers') AS (
            character_id bigint, corporation_id bigint, alliance_id bigint, faction_id bigint,
            ship_type_id bigint, weapon_type_id bigint, damage_done bigint, final_blow boolean,
            security_status double precision
        )
    ) WITH ORDINALITY AS attacker(
        character_id, corporation_id, alliance_id, faction_id, ship_type_id, weapon_type_id, damage_done,
        final_blow, security_status, ordinal
    )
),
refs AS (
    -- An array and not a join: a row that is locked is sorted with all that it was joined with, here with bodies.
    SELECT killmail_id
    FROM killmail_refs
    WHERE killmail_id = ANY(ARRAY(SELECT document.killmail_id FROM document CROSS JOIN mine)) AND stored_at IS NULL
    ORDER BY killmail_id
    FOR UPDATE
),
marked AS (
    UPDATE killmail_refs
    SET stored_at = now(), claimed_until = NULL, next_attempt_at = NULL, parked_at = NULL
    FROM refs
    WHERE killmail_refs.killmail_id = refs.killmail_id
)
SELECT unnest(killmail_ids) FROM mine
""".format(
    victim_corporation=_corporation("victim"),
    victim_faction=_faction("victim"),
    attacker_corporation=_corporation("attacker"),
    attacker_faction=_faction("attacker"),
)


@dataclass(frozen=True, slots=True)
class RefusedKillmail:
    """A body that Postgres would not take."""

    position: int
    """Where it stands in the batch, from 0."""
    killmail_id: int | None
    """None when the body does not even tell that."""
    reason: str


class RefusedKillmails(Exception):
    """Postgres refused some bodies of a batch; all the others are stored.

    Attributes:
        refused: the offenders, in the order of the batch.
        new: what `store_killmails` would have returned: ids of the others that were new, ascending.
    """

    def __init__(self, refused: Sequence[RefusedKillmail], new: Sequence[int]) -> None:
        first = refused[0]
        super().__init__(
            f"{len(refused)} of a batch's killmails cannot be stored; the first is"
            f" {first.killmail_id or 'without an id'}: {first.reason}."
        )
        self.refused = tuple(refused)
        self.new = list(new)


async def store_killmails(pool: asyncpg.Pool, bodies: Sequence[bytes]) -> list[int]:
    """Store killmails that `eve` has validated; safe against any other writer of the same killmails.

    A killmail that is stored already is left as it is. The reference of every killmail of the batch is
    marked as stored, whoever stored it.

    Args:
        bodies: killmail bodies as ESI sent them, in any order, repetitions allowed.

    Returns:
        The ids that were new, ascending. Of several writers of one killmail exactly one gets its id.

    Raises:
        RefusedKillmails: Postgres cannot take some of them; the others are stored.
        asyncpg.PostgresError, OSError: the database is out of order; nothing of the failing part is stored.
    """
    refused: list[RefusedKillmail] = []
    new: list[int] = []
    texts: list[tuple[int, str]] = []
    for position, body in enumerate(bodies):
        try:
            texts.append((position, body.decode()))
        except UnicodeDecodeError:
            refused.append(RefusedKillmail(position, None, "not UTF-8"))
    if texts:
        async with pool.acquire() as connection:
            await _store(connection, texts, new, refused)
    if refused:
        raise RefusedKillmails(sorted(refused, key=lambda killmail: killmail.position), sorted(new))
    return sorted(new)


async def _store(
    connection: asyncpg.pool.PoolConnectionProxy,
    texts: list[tuple[int, str]],
    new: list[int],
    refused: list[RefusedKillmail],
) -> None:
    """Store all of `texts`; where Postgres refuses, halve until the offenders are alone."""
    try:
        rows = await connection.fetch(_STORE, [text for _, text in texts])
    except (
        asyncpg.exceptions.DataError,  # e.g. NUL in a text, a number out of range
        asyncpg.IntegrityConstraintViolationError,  # e.g. a required field missing
        asyncpg.ProgramLimitExceededError,  # e.g. nested too deeply
    ) as error:
        if len(texts) == 1:
            ((position, text),) = texts
            # The message alone: detail and context would quote the body.
            refused.append(RefusedKillmail(position, _killmail_id(text), str(error.args[0])))
            return
        middle = len(texts) // 2
        await _store(connection, texts[:middle], new, refused)
        await _store(connection, texts[middle:], new, refused)
    else:
        new.extend(row[0] for row in rows)


def _killmail_id(text: str) -> int | None:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    killmail_id = body.get("killmail_id") if isinstance(body, dict) else None
    return killmail_id if isinstance(killmail_id, int) else None
