"""What killmails add to the sums of those who are on them: one SQL text for keeping, building, checking and reading.

A subject is a pilot or a corporation; their ids never coincide (ESI docs, "ID ranges"). A killmail is a loss of
whoever its victim is and a kill of everybody else on it, and is worth `total_value`, or 0.
"""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """What a sum's `entity_id` is, and which killmails are in it."""

    ALL = 0  # nothing: 0
    HOUR = 1  # of the week, UTC: 24 times the ISO weekday and the hour
    SYSTEM = 2
    SHIP_DESTROYED = 3  # kills, by the victim's ship
    VICTIM = 4  # kills, by the victim
    SHIP = 5  # kills, by what the subject's own flew; a killmail counts once for each ship
    PILOT = 6  # kills, by the corporation's own; of a pilot there is none, it would be ALL again


class Span(IntEnum):
    """How long a sum's time is, from `first_day` (UTC)."""

    DAY = 0
    MONTH = 1  # of whom `by_month` says so
    EVER = 2  # its `first_day` is -infinity


COUNTED = "killmails.damage_done IS NOT NULL"
"""A killmail is in the sums with its first appraisal, which sets this for good."""
COLUMNS = "subject_id, kind, span, first_day, entity_id, kills, losses, solo, destroyed, lost"

# `added`: subject_id, killmail_id, and what of it is new: killmails (1 or 0), value, solo (1 or 0).
_ONES = f"""
met AS MATERIALIZED (
    SELECT
        added.*, killmails.killmail_time AT TIME ZONE 'UTC' AS at, killmails.solar_system_id,
        victim.character_id AS victim_id, victim.ship_type_id AS lost_ship_id,
        coalesce(added.subject_id IN (victim.character_id, victim.corporation_id), false) AS is_lost
    FROM added
    JOIN killmails ON killmails.killmail_id = added.killmail_id
    JOIN participants AS victim ON victim.killmail_id = added.killmail_id AND victim.ordinal = 0
),
ones AS (
    SELECT subject_id, at, is_lost, killmails, value, solo, one.kind, one.entity_id
    FROM met
    CROSS JOIN LATERAL (
        VALUES
        ({Kind.ALL:d}, 0),
        ({Kind.HOUR:d}, (24 * extract(isodow FROM at) + extract(hour FROM at))::bigint),
        ({Kind.SYSTEM:d}, solar_system_id),
        ({Kind.SHIP_DESTROYED:d}, CASE WHEN NOT is_lost THEN lost_ship_id END),
        ({Kind.VICTIM:d}, CASE WHEN NOT is_lost THEN victim_id END)
    ) AS one(kind, entity_id)
    WHERE one.entity_id IS NOT NULL
    UNION ALL
    SELECT subject_id, at, is_lost, killmails, value, solo, own.kind, own.entity_id
    FROM met
    CROSS JOIN LATERAL (
        SELECT DISTINCT one.kind, one.entity_id
        FROM (
            -- OFFSET 0: its killmail is the way to find it; subjects have a million others.
            SELECT participants.* FROM participants
            WHERE participants.killmail_id = met.killmail_id AND NOT participants.is_victim
            OFFSET 0
        ) AS attacker
        CROSS JOIN LATERAL (
            VALUES ({Kind.SHIP:d}, attacker.ship_type_id), ({Kind.PILOT:d}, attacker.character_id)
        ) AS one(kind, entity_id)
        WHERE
            met.subject_id IN (attacker.character_id, attacker.corporation_id)
            AND one.entity_id <> met.subject_id
    ) AS own
    WHERE NOT is_lost
)
"""
_FIGURES = f"""
    coalesce(sum(killmails) FILTER (WHERE NOT is_lost), 0)::int AS kills,
    coalesce(sum(killmails) FILTER (WHERE is_lost), 0)::int AS losses,
    coalesce(sum(solo) FILTER (WHERE NOT is_lost AND kind = {Kind.ALL:d}), 0)::int AS solo,
    coalesce(sum(value) FILTER (WHERE NOT is_lost), 0) AS destroyed,
    coalesce(sum(value) FILTER (WHERE is_lost), 0) AS lost
"""


def rows_of(added: str) -> str:
    """The rows that these killmails make, or what they add to rows, in the order of the primary key.

    Args:
        added: SELECT of subject_id, killmail_id, killmails, value, solo.
    """
    return f"""
        WITH added AS MATERIALIZED ({added}), {_ONES}
        SELECT ones.subject_id, kind, span.span, span.first_day, entity_id, {_FIGURES}
        FROM ones
        CROSS JOIN LATERAL (
            VALUES
            ({Span.DAY:d}, at::date),
            ({Span.MONTH:d}, date_trunc('month', at)::date),
            ({Span.EVER:d}, '-infinity'::date)
        ) AS span(span, first_day)
        JOIN summed_subjects AS whose ON whose.subject_id = ones.subject_id
        WHERE (kind <> {Kind.ALL:d} OR span.span = {Span.DAY:d}) AND (span.span <> {Span.MONTH:d} OR whose.by_month)
        GROUP BY 1, 2, 3, 4, 5
        ORDER BY 1, 2, 3, 4, 5
    """


def rows_of_days(added: str) -> str:
    """CTEs that end with `apart`: the same rows by day alone, for killmails of which only few are asked for."""
    return f"""
        added AS MATERIALIZED ({added}), {_ONES}, apart AS MATERIALIZED (
            SELECT kind, at::date AS first_day, entity_id, {_FIGURES} FROM ones GROUP BY 1, 2, 3
        )
    """


def written(added: str) -> str:
    """INSERT of what these killmails add; two writers lock rows in the same order."""
    return f"""
        INSERT INTO killmail_sums AS kept ({COLUMNS})
        {rows_of(added)}
        ON CONFLICT (subject_id, kind, span, first_day, entity_id) DO UPDATE SET
            kills = kept.kills + excluded.kills, losses = kept.losses + excluded.losses,
            solo = kept.solo + excluded.solo, destroyed = kept.destroyed + excluded.destroyed,
            lost = kept.lost + excluded.lost
    """


def merged(added: str) -> str:
    """The same for one subject whose sums nobody else writes meanwhile; cheaper, because nothing can be in its way."""
    return f"""
        MERGE INTO killmail_sums AS kept
        USING ({rows_of(added)}) AS new
        ON kept.subject_id = new.subject_id AND kept.kind = new.kind AND kept.span = new.span
            AND kept.first_day = new.first_day AND kept.entity_id = new.entity_id
        WHEN MATCHED THEN UPDATE SET
            kills = kept.kills + new.kills, losses = kept.losses + new.losses, solo = kept.solo + new.solo,
            destroyed = kept.destroyed + new.destroyed, lost = kept.lost + new.lost
        WHEN NOT MATCHED THEN INSERT ({COLUMNS}) VALUES (
            new.subject_id, new.kind, new.span, new.first_day, new.entity_id,
            new.kills, new.losses, new.solo, new.destroyed, new.lost
        )
    """


def whole_killmails(ids: str) -> str:
    """`added` for killmails of which nothing is in the sums yet.

    Args:
        ids: SELECT of subject_id and killmail_id.
    """
    return f"""
        SELECT
            found.subject_id, found.killmail_id, 1 AS killmails, coalesce(killmails.total_value, 0) AS value,
            coalesce(killmails.solo, false)::int AS solo
        FROM ({ids}) AS found
        JOIN killmails ON killmails.killmail_id = found.killmail_id
        WHERE {COUNTED}
    """
