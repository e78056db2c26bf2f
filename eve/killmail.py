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

import msgspec
import orjson

from eve.decoding import Amount, Id, check_time, decoded
from eve.errors import MalformedBody

_HASH = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
Hash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-fA-F]{40}\Z")]
"""A killmail's hash in a document."""

MOST_DAMAGE = 2**63 - 1
"""By all attackers together: each one's is an int64 in ESI's document, and so is what Postgres keeps of the sum."""


def is_killmail_hash(value: object) -> bool:
    """Whether this can be a killmail's hash: 40 hexadecimal digits."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class KillmailRef:
    """Id and hash under which ESI gives a killmail's body. Who knows the hash can read it: not in `repr`."""

    killmail_id: int
    killmail_hash: str = field(repr=False)


Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Position(msgspec.Struct, frozen=True):
    x: float
    y: float
    z: float


class _Item(msgspec.Struct, frozen=True):
    item_type_id: Id
    flag: Id
    singleton: Id
    quantity_destroyed: Amount | None = None
    quantity_dropped: Amount | None = None
    items: list[_Item] | None = None


class _Victim(msgspec.Struct, frozen=True):
    damage_taken: Amount
    ship_type_id: Id
    character_id: Id | None = None
    corporation_id: Id | None = None
    alliance_id: Id | None = None
    faction_id: Id | None = None
    items: list[_Item] | None = None
    position: _Position | None = None


class _Attacker(msgspec.Struct, frozen=True):
    security_status: float
    final_blow: bool
    damage_done: Amount
    character_id: Id | None = None
    corporation_id: Id | None = None
    alliance_id: Id | None = None
    faction_id: Id | None = None
    ship_type_id: Id | None = None
    weapon_type_id: Id | None = None


class _Killmail(msgspec.Struct, frozen=True):
    killmail_id: Id
    killmail_time: Moment
    solar_system_id: Id
    victim: _Victim
    attackers: list[_Attacker]
    moon_id: Id | None = None
    war_id: Id | None = None

    def __post_init__(self) -> None:
        check_time(self.killmail_time)


def validate_killmail(raw: bytes, killmail_id: int, service: str = "ESI") -> None:
    """Check that `raw`, as `service` sent it, is the body of this killmail and can be stored as JSON.

    It is stored as it came, so that nothing of it is lost or rounded; what is decoded here is thrown away.

    Raises:
        Unavailable: it was cut short on the way, or is an error said with 200.
        MalformedBody: not UTF-8, another killmail, a field missing or of the wrong kind (the first is named), more
            damage than can be added up, or a number that readers of JSON do not read back.
    """
    try:
        raw.decode()  # fields we do not know are not looked into
    except UnicodeDecodeError:
        raise MalformedBody(f"The body of killmail {killmail_id} is not UTF-8.") from None
    if b"\\u0000" in raw:
        raise MalformedBody(f"The body of killmail {killmail_id} holds a NUL character, which Postgres cannot keep.")
    killmail = decoded(raw, _Killmail, service, f"The body of killmail {killmail_id}")
    try:
        orjson.loads(raw)  # Postgres keeps 1e999 in a field we do not know, and then nobody can read the body
    except orjson.JSONDecodeError:
        raise MalformedBody(f"The body of killmail {killmail_id} holds a number beyond any double.") from None
    if killmail.killmail_id != killmail_id:
        raise MalformedBody(f"The body under killmail {killmail_id} is that of killmail {killmail.killmail_id}.")
    if sum(abs(one.damage_done) for one in killmail.attackers) > MOST_DAMAGE:
        raise MalformedBody(f"The damage on killmail {killmail_id} adds up to more than 64 bits hold.")
