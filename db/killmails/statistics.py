"""What a pilot, a corporation, an alliance, a system, a type or an account did, of what the viewer may see.

A killmail is a loss of whoever its victim is, and a kill of everybody else on it. Of a system all are kills, of a
type those that such a ship fought in. ISK is `value.total`; killmails without a value count as 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import asyncpg
import orjson

from db.killmails.conditions import Parameters, about
from db.killmails.filter import EVERYTHING, Eyes, KillmailFilter, ParticipantFilter, Viewer, eyes
from db.killmails.pages import best_start, gathered
from db.sums.read import Asked, summed_up
from db.universe.known import known_of
from db.universe.places import solar_system_nodes

Node = dict[str, Any]
Section = Literal["daily", "activity", "topShips", "topShipsDestroyed", "topSystems", "topVictims", "topPilots"]
SECTIONS: tuple[Section, ...] = (
    "daily",
    "activity",
    "topShips",
    "topShipsDestroyed",
    "topSystems",
    "topVictims",
    "topPilots",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose statistics: one who takes part, or a place, or (neither) the viewer's account."""

    participant: ParticipantFilter | None = None
    solar_system_id: int | None = None

    def filter(self) -> KillmailFilter:
        """The killmails it is on."""
        if self.solar_system_id is not None:
            return KillmailFilter(solar_system_id=self.solar_system_id, scope="VISIBLE")
        one = self.participant
        if one is None:
            return replace(EVERYTHING, scope="ACCOUNT")
        if one.ship_type_id is not None:
            return KillmailFilter(participant=one, scope="VISIBLE")
        return KillmailFilter(one.character_id, one.corporation_id, alliance_id=one.alliance_id)


_SUMS = """
    'kills', count(*) FILTER (WHERE NOT lost),
    'losses', count(*) FILTER (WHERE lost),
    'iskDestroyed', round(coalesce(sum(value) FILTER (WHERE NOT lost), 0), 2)::text,
    'iskLost', round(coalesce(sum(value) FILTER (WHERE lost), 0), 2)::text
"""
_SOLO = "count(*) FILTER (WHERE NOT lost AND solo)"
_DAY = "(killmail_time AT TIME ZONE 'UTC')::date"
_CELL = "extract(isodow FROM killmail_time AT TIME ZONE 'UTC'), extract(hour FROM killmail_time AT TIME ZONE 'UTC')"
# Attackers of the subject's own; one who is on a killmail twice counts once.
_OURS = """
    (SELECT DISTINCT fact.killmail_id, fact.value, ours.id
    FROM fact CROSS JOIN LATERAL (
        SELECT one.{column} AS id
        FROM (
            SELECT participants.* FROM participants
            WHERE participants.killmail_id = fact.killmail_id AND NOT participants.is_victim {one_by_one}
        ) AS one
        WHERE {ours}
    ) AS ours
    WHERE NOT fact.lost) AS counted
"""
_ONE_BY_ONE = "OFFSET 0"
"""Keeps the planner from joining few killmails with a whole table, which it does when it expects many, and from looking
for one of them among all of a pilot's, which a plan for anybody does."""
ADDED_UP_FROM = 500
"""Killmails from which on it is worth while to ask for sums; of fewer, the count is as fast."""
_RANKED: dict[Section, str] = {
    "topShips": _OURS.replace("{column}", "ship_type_id"),
    "topPilots": _OURS.replace("{column}", "character_id"),
    "topShipsDestroyed": "(SELECT lost_ship_id AS id, value FROM fact WHERE NOT lost) AS counted",
    "topVictims": "(SELECT victim_id AS id, value FROM fact WHERE NOT lost) AS counted",
    "topSystems": "(SELECT solar_system_id AS id, value FROM fact) AS counted",
}
_SECTION = {
    "daily": f"""
        SELECT jsonb_build_object('day', {_DAY}, {_SUMS}) AS told FROM fact GROUP BY {_DAY} ORDER BY {_DAY}
    """,
    "activity": f"""
        SELECT jsonb_build_object(
            'weekday', extract(isodow FROM killmail_time AT TIME ZONE 'UTC')::int,
            'hour', extract(hour FROM killmail_time AT TIME ZONE 'UTC')::int,
            'kills', count(*) FILTER (WHERE NOT lost), 'losses', count(*) FILTER (WHERE lost)
        ) AS told
        FROM fact GROUP BY {_CELL} ORDER BY {_CELL}
    """,
}


async def statistics(
    pool: asyncpg.Pool,
    viewer: Viewer,
    subject: Subject,
    since: datetime | None,
    until: datetime | None,
    *,
    top: int = 10,
    sections: Collection[Section] = SECTIONS,
) -> Node:
    """`Statistics` as `schema.graphql` has them, with those `sections` alone. Four statements that read.

    Of a busy pilot or corporation all of whose killmails the viewer may see, sums are read; else killmails are counted.

    Args:
        since, until: the period, from `since` to before `until`; None: without bound.
        top: how long the rankings are.
    """
    chosen = replace(subject.filter(), since=since, until=until)
    seen_by = eyes(viewer, chosen, "VISIBLE")
    if seen_by.are_closed:
        return _told(
            {"total": {"kills": 0, "losses": 0, "iskDestroyed": "0.00", "iskLost": "0.00", "solo": 0}}, subject
        )
    async with pool.acquire() as connection:
        chosen_sections = [name for name in SECTIONS if name in sections]
        start = await best_start(connection, seen_by, chosen, count_one=True)
        asked = _all_of_one(seen_by, subject, since, until, top)
        if asked is not None and start.entries >= ADDED_UP_FROM:
            summed = await summed_up(connection, asked, chosen_sections)
            if summed is not None:
                await _name(connection, summed)
                return _told(summed, subject)
        one_by_one = _ONE_BY_ONE if start.is_short else ""
        parameters = Parameters()
        facts = _facts(subject, viewer, gathered(seen_by, chosen, start.walk, parameters), one_by_one, parameters)
        columns = [f"(SELECT jsonb_build_object({_SUMS}, 'solo', {_SOLO}) FROM fact) AS total"]
        for name in chosen_sections:
            section = _section(name, subject, viewer, top, parameters).replace("{one_by_one}", one_by_one)
            columns.append(f"(SELECT coalesce(jsonb_agg(told), '[]') FROM ({section}) AS section) AS \"{name}\"")
        statement = f"{facts} SELECT {', '.join(columns)}"
        async with connection.transaction():
            if not start.is_short:
                # A plan for anybody would be one for the few killmails that most have.
                await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            row = await connection.fetchrow(statement, *parameters.values)
        assert row is not None  # noqa: S101 - sums always have a row
        told = {name: orjson.loads(text) for name, text in row.items()}
        await _name(connection, told)
    return _told(told, subject)


def _all_of_one(
    seen_by: Eyes, subject: Subject, since: datetime | None, until: datetime | None, top: int
) -> Asked | None:
    """The pilot or the corporation all of whose killmails the viewer may see, if it is one."""
    if len(seen_by.characters) + len(seen_by.corporations) != 1:
        return None
    (own,) = (*seen_by.characters, *seen_by.corporations)
    is_corporation = bool(seen_by.corporations)
    one = ParticipantFilter(corporation_id=own) if is_corporation else ParticipantFilter(character_id=own)
    if subject not in (Subject(one), Subject()):
        return None
    return Asked(own, is_corporation, since, until, top)


def _facts(subject: Subject, viewer: Viewer, found: str, one_by_one: str, parameters: Parameters) -> str:
    lost = "false" if subject.solar_system_id is not None else _is_ours("victim", subject, viewer, parameters)
    return f"""
        WITH found AS MATERIALIZED ({found}), fact AS MATERIALIZED (
            SELECT met.*
            FROM found CROSS JOIN LATERAL (
                SELECT
                    killmails.killmail_id, killmails.killmail_time, killmails.solar_system_id, killmails.solo,
                    coalesce(killmails.total_value, 0) AS value, victim.character_id AS victim_id,
                    victim.ship_type_id AS lost_ship_id, coalesce({lost}, false) AS lost
                FROM killmails
                JOIN participants AS victim ON victim.killmail_id = killmails.killmail_id AND victim.ordinal = 0
                WHERE killmails.killmail_id = found.killmail_id {one_by_one}
            ) AS met
        )
    """


def _is_ours(row: str, subject: Subject, viewer: Viewer, parameters: Parameters) -> str:
    if subject.solar_system_id is not None:
        return "true"
    if subject.participant is None:
        return f"{row}.character_id = ANY({parameters.bind(list(viewer.character_ids), 'bigint[]')})"
    return " AND ".join(about(row, None, subject.participant, parameters))


def _section(name: Section, subject: Subject, viewer: Viewer, top: int, parameters: Parameters) -> str:
    if name in _SECTION:
        return _SECTION[name]
    counted = _RANKED[name]
    if "{ours}" in counted:
        counted = counted.replace("{ours}", _is_ours("one", subject, viewer, parameters))
    return f"""
        SELECT jsonb_build_object('id', id, 'killmails', count(*), 'isk', round(sum(value), 2)::text) AS told
        FROM {counted}
        WHERE id IS NOT NULL GROUP BY id ORDER BY count(*) DESC, sum(value) DESC, id LIMIT {top:d}
    """


async def _name(connection: asyncpg.pool.PoolConnectionProxy, told: Node) -> None:
    """Put what is known of them in the place of ids."""
    ids = {row["id"] for name in _RANKED if name in told and name != "topSystems" for row in told[name]}
    known = await known_of(connection, ids) if ids else None
    if told.get("topSystems"):
        systems = await solar_system_nodes(connection, [row["id"] for row in told["topSystems"]])
        for row in told["topSystems"]:
            row["solarSystem"] = systems[row["id"]]
    for name in ("topShips", "topShipsDestroyed", "topVictims", "topPilots"):
        for row in told.get(name, ()):
            assert known is not None  # noqa: S101 - a ranking with rows has ids
            if name.startswith("topShips"):
                row["ship"] = known.type(row["id"])
            else:
                row["character"] = known.character(row["id"])


def _told(told: Node, subject: Subject) -> Node:
    total = told["total"]
    destroyed, lost = float(total["iskDestroyed"]), float(total["iskLost"])
    of_place = subject.solar_system_id is not None
    return {
        "kills": total["kills"],
        "losses": None if of_place else total["losses"],
        "iskDestroyed": total["iskDestroyed"],
        "iskLost": None if of_place else total["iskLost"],
        "efficiency": None if of_place or not destroyed + lost else destroyed / (destroyed + lost),
        "soloKills": total["solo"],
        "soloShare": total["solo"] / total["kills"] if total["kills"] else None,
        **{name: told.get(name, []) for name in SECTIONS},
    }
