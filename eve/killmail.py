"""A killmail: the reference ESI lists, and the body behind it, checked against ESI's contract.

Required and optional fields are those of ESI's OpenAPI document (`KillmailsKillmailIdKillmailHashGet`);
real bodies leave out more than one expects: no position before late 2015, attackers without character,
ship or weapon, victims without character. Unknown fields are ignored: ESI adds some within a version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from eve.errors import MalformedBody

_HASH = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def is_killmail_hash(value: object) -> bool:
    """Whether this can be a killmail's hash: 40 hexadecimal digits."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class KillmailRef:
    """Id and hash under which ESI gives a killmail's body. Who knows the hash can read it: not in `repr`."""

    killmail_id: int
    killmail_hash: str = field(repr=False)


def _rfc3339(value: str) -> str:
    if not _TIME.fullmatch(value):
        raise ValueError("not a time with its zone")
    datetime.fromisoformat(value)
    return value


Id = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Time = Annotated[str, AfterValidator(_rfc3339)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class _Position(_Part):
    x: float
    y: float
    z: float


class _Item(_Part):
    item_type_id: Id
    flag: Id
    singleton: Id
    quantity_destroyed: Amount | None = None
    quantity_dropped: Amount | None = None
    items: list[_Item] | None = None


class _Victim(_Part):
    damage_taken: Amount
    ship_type_id: Id
    character_id: Id | None = None
    corporation_id: Id | None = None
    alliance_id: Id | None = None
    faction_id: Id | None = None
    items: list[_Item] | None = None
    position: _Position | None = None


class _Attacker(_Part):
    security_status: float
    final_blow: bool
    damage_done: Amount
    character_id: Id | None = None
    corporation_id: Id | None = None
    alliance_id: Id | None = None
    faction_id: Id | None = None
    ship_type_id: Id | None = None
    weapon_type_id: Id | None = None


class _Killmail(_Part):
    killmail_id: Id
    killmail_time: Time
    solar_system_id: Id
    victim: _Victim
    attackers: list[_Attacker]
    moon_id: Id | None = None
    war_id: Id | None = None


def validate_killmail(raw: bytes, killmail_id: int) -> None:
    """Check that `raw` is the body of this killmail and can be stored as JSON.

    Raises:
        MalformedBody: not JSON, another killmail, or a field missing or of the wrong kind (the first is named).
    """
    try:
        orjson.loads(raw)  # stricter than pydantic's parser: no NaN, no broken UTF-8
    except orjson.JSONDecodeError:
        raise MalformedBody(f"The body of killmail {killmail_id} is not JSON.") from None
    if b"\\u0000" in raw:
        raise MalformedBody(f"The body of killmail {killmail_id} holds a NUL character, which Postgres cannot keep.")
    try:
        killmail = _Killmail.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedBody(f"The body of killmail {killmail_id} is not as agreed: {place}: {first['msg']}.") from None
    if killmail.killmail_id != killmail_id:
        raise MalformedBody(f"The body under killmail {killmail_id} is that of killmail {killmail.killmail_id}.")
