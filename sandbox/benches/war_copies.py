"""A large war in SQL: its first 47 weeks are drawn (`war_sql`), later ones are these again with other ids and times.

47 weeks because killmails, 94 seconds apart, are then at the same hour of the same weekday again. Copying a killmail
takes a tenth of what drawing one takes. Who is on it, what was lost and what it was worth repeat every 47 weeks.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.benches.war_sql import FIRST_KILLMAIL, SECONDS_APART, crowded

DRAWN_AT_MOST = 2_000_000
"""Killmails of the largest war that is drawn throughout."""
PERIOD = 302_400
AT_ONCE = 10_080
"""Killmails made by one transaction; a whole number of times in a period."""


def drawn(killmails: int) -> Iterator[tuple[int, int]]:
    """First and last numbers of what is drawn of a war of so many, a transaction each."""
    for first, last in _batches(killmails):
        if not _is_copied(first, killmails):
            yield first, last


def copied(killmails: int) -> Iterator[str]:
    """Statements that copy the rest, a transaction each, once all that is drawn is there."""
    for first, last in _batches(killmails):
        if _is_copied(first, killmails):
            yield copy(first, last)


def _batches(killmails: int) -> Iterator[tuple[int, int]]:
    for first in range(0, killmails, AT_ONCE):
        yield first, min(first + AT_ONCE, killmails) - 1


def _is_copied(first: int, killmails: int) -> bool:
    """The one killmail with thousands of attackers is drawn, with those beside it."""
    of_crowded = crowded(killmails) - FIRST_KILLMAIL
    return killmails > DRAWN_AT_MOST and first >= PERIOD and not first <= of_crowded < first + AT_ONCE


def copy(first: int, last: int) -> str:
    """Statements that make the killmails with these numbers, of one period, from those of the first period."""
    times = first // PERIOD
    ids, seconds = times * PERIOD, times * PERIOD * SECONDS_APART
    shift, days = f"interval '{seconds} seconds'", seconds // 86_400
    since, until = FIRST_KILLMAIL + first - ids, FIRST_KILLMAIL + last - ids
    these = f"WHERE killmail_id BETWEEN {since} AND {until} ORDER BY killmail_id"
    return f"""
INSERT INTO killmails (
    killmail_id, killmail_time, solar_system_id, attacker_count, destroyed_value, dropped_value, fitted_value,
    total_value, price_date, priced_kinds, item_kinds, solo, npc, awox, damage_done, top_damage_ordinal
)
SELECT
    killmail_id + {ids}, killmail_time + {shift}, solar_system_id, attacker_count, destroyed_value, dropped_value,
    fitted_value, total_value, price_date + {days}, priced_kinds, item_kinds, solo, npc, awox, damage_done,
    top_damage_ordinal
FROM killmails {these};
INSERT INTO participants (
    killmail_id, ordinal, killmail_time, is_victim, character_id, corporation_id, alliance_id, ship_type_id,
    weapon_type_id, damage, final_blow, security_status
)
SELECT
    killmail_id + {ids}, ordinal, killmail_time + {shift}, is_victim, character_id, corporation_id, alliance_id,
    ship_type_id, weapon_type_id, damage, final_blow, security_status
FROM participants {these}, ordinal;
INSERT INTO killmail_bodies (killmail_id, body)
SELECT
    killmail_id + {ids},
    body || jsonb_build_object(
        'killmail_id', killmail_id + {ids},
        'killmail_time', to_char(killmails.killmail_time + {shift}, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    )
FROM killmail_bodies JOIN killmails USING (killmail_id) {these};
"""  # noqa: S608 - numbers of ours
