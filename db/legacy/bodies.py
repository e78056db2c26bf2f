"""A killmail's body put together from the old system's rows, for want of EVE's own.

It is poorer than that: containers are flattened, a war and a moon are lost, and the order of items and attackers is
that in which they were written. So it says of itself where it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from eve.errors import EveError
from eve.killmail import validate_killmail

REBUILT_FROM = "rebuilt_from"
"""The field of such a body that no body of EVE's has."""
REBUILT = f"SELECT killmail_id FROM killmail_bodies WHERE killmail_id > $1 AND body ? '{REBUILT_FROM}'"  # noqa: S608
"""Put together from the old system's tables, because EVE gave no body."""
_WHO = ("character_id", "corporation_id", "alliance_id", "faction_id", "ship_type_id", "weapon_type_id")
_POSITION = ("x", "y", "z")


class CannotBeBuilt(Exception):
    """The message says what is missing; no more, so that killmails can be counted by it."""


def build_body(
    killmail: asyncpg.Record,
    victims: Sequence[asyncpg.Record],
    attackers: Sequence[asyncpg.Record],
    items: Sequence[asyncpg.Record],
) -> bytes:
    """The body of a killmail, in the form of ESI's.

    Raises:
        CannotBeBuilt: rows or fields that every killmail has are missing.
    """
    for field, what in (("killmail_time", "its time"), ("solar_system_id", "its solar system")):
        if killmail.get(field) is None:
            raise CannotBeBuilt(what)
    if not victims:
        raise CannotBeBuilt("its victim")
    if not attackers:
        raise CannotBeBuilt("its attackers")
    killmail_id = killmail["killmail_id"]
    body = {
        "killmail_id": killmail_id,
        "killmail_time": f"{_utc(killmail['killmail_time']):%Y-%m-%dT%H:%M:%SZ}",
        "solar_system_id": killmail["solar_system_id"],
        "victim": _victim(victims[0], items),
        "attackers": [_attacker(attacker) for attacker in attackers],
        REBUILT_FROM: "the old system's tables",
    }
    try:
        raw = orjson.dumps(body)
        validate_killmail(raw, killmail_id, "The old system")
    except (EveError, orjson.JSONEncodeError):
        raise CannotBeBuilt("a field, or holds something else in it") from None
    return raw


def _victim(row: asyncpg.Record, items: Sequence[asyncpg.Record]) -> dict[str, Any]:
    victim = _who(row) | {"damage_taken": row.get("damage_taken") or 0, "items": [_item(item) for item in items]}
    position = [row.get(f"position_{axis}") for axis in _POSITION]
    if None not in position:
        victim["position"] = {axis: float(place or 0) for axis, place in zip(_POSITION, position, strict=True)}
    return victim


def _attacker(row: asyncpg.Record) -> dict[str, Any]:
    return _who(row) | {
        "damage_done": row.get("damage_done") or 0,
        "final_blow": bool(row.get("final_blow")),
        "security_status": float(row.get("security_status") or 0),
    }


def _item(row: asyncpg.Record) -> dict[str, Any]:
    quantities = {name: row.get(name) for name in ("quantity_dropped", "quantity_destroyed")}
    return {
        "item_type_id": row.get("item_type_id"),
        "flag": row.get("flag") or 0,
        "singleton": int(row.get("singleton") or 0),
        **{name: quantity for name, quantity in quantities.items() if quantity},
    }


def _who(row: asyncpg.Record) -> dict[str, Any]:
    """ESI leaves out what is not there; a 0 of the old system means the same."""
    return {name: row.get(name) for name in _WHO if row.get(name)}


def _utc(time: datetime) -> datetime:
    """The old system kept UTC without saying so."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
