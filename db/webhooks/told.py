"""What a message says of killmails: those who are on them by name, the place, the value; never a hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import asyncpg

from db.webhooks.subjects import Subject
from eve.security import shown_security

Told = dict[str, Any]
Kind = Literal["KILL", "LOSS"]

_PARTIES = ("character", "corporation", "alliance", "faction", "ship_type")
_NAMES = ", ".join(
    f"{role}.{party}_id AS {role}_{party}_id, {role}_{party}.name AS {role}_{party}_name"
    for role in ("victim", "final")
    for party in _PARTIES
)
_JOINS = " ".join(
    f"LEFT JOIN entities AS {role}_{party} ON {role}_{party}.entity_id = {role}.{party}_id"
    for role in ("victim", "final")
    for party in _PARTIES
)
_TOLD = f"""
SELECT killmails.killmail_id, killmails.killmail_time, killmails.total_value, killmails.attacker_count, killmails.solo,
       killmails.npc, killmails.awox, killmails.solar_system_id, place.name AS system_name,
       solar_systems.security_status, regions.region_id, regions.name AS region_name, {_NAMES}
  FROM killmails
  JOIN participants AS victim ON victim.killmail_id = killmails.killmail_id AND victim.ordinal = 0
  LEFT JOIN LATERAL (SELECT * FROM participants WHERE participants.killmail_id = killmails.killmail_id AND final_blow
                      ORDER BY ordinal LIMIT 1) AS final ON true
  LEFT JOIN entities AS place ON place.entity_id = killmails.solar_system_id
  LEFT JOIN solar_systems USING (solar_system_id)
  LEFT JOIN constellations USING (constellation_id)
  LEFT JOIN regions USING (region_id)
  {_JOINS}
 WHERE killmails.killmail_id = ANY ($1)
"""  # noqa: S608 - our own words


async def told_of(
    pool: asyncpg.Pool, killmail_ids: Sequence[int], subject: Subject, subject_id: int, site_url: str
) -> list[Told]:
    """These killmails in their order, in the schema's names: ids are strings, ISK is a number. One statement."""
    rows = {row["killmail_id"]: row for row in await pool.fetch(_TOLD, list(killmail_ids))}
    return [_node(rows[one], subject, subject_id, site_url) for one in killmail_ids if one in rows]


def _node(row: asyncpg.Record, subject: Subject, subject_id: int, site_url: str) -> Told:
    return {
        "id": str(row["killmail_id"]),
        "time": _time(row["killmail_time"]),
        "url": f"{site_url}/killmails/{row['killmail_id']}",
        "kind": _kind(row, subject, subject_id),
        "value": None if row["total_value"] is None else float(row["total_value"]),
        "solarSystem": {
            "id": str(row["solar_system_id"]),
            "name": row["system_name"],
            "security": shown_security(row["security_status"]),
            "region": _named(row["region_id"], row["region_name"]),
        },
        "victim": _party(row, "victim"),
        "finalBlow": _party(row, "final"),
        "attackerCount": row["attacker_count"],
        "solo": row["solo"],
        "npc": row["npc"],
        "awox": row["awox"],
    }


def _kind(row: asyncpg.Record, subject: Subject, subject_id: int) -> Kind | None:
    if subject is Subject.INSTALLATION:
        return None
    return "LOSS" if row[f"victim_{subject}_id"] == subject_id else "KILL"


def _party(row: asyncpg.Record, role: str) -> Told:
    return {
        "ship" if party == "ship_type" else party: _named(row[f"{role}_{party}_id"], row[f"{role}_{party}_name"])
        for party in _PARTIES
    }


def _named(identity: int | None, name: str | None) -> Told | None:
    return None if identity is None else {"id": str(identity), "name": name}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
