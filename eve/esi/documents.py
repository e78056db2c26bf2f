"""What ESI answers with where a whole route has one small document (ESI's OpenAPI document of 2026-07-21)."""

from __future__ import annotations

import msgspec

from eve.decoding import Id


class NamedId(msgspec.Struct, frozen=True):
    """An id's name and what it is, by ESI's word: character, corporation, inventory_type, solar_system…"""

    id: Id
    category: str
    name: str


class Affiliation(msgspec.Struct, frozen=True):
    """Where a character belongs now."""

    character_id: Id
    corporation_id: Id
    alliance_id: Id | None = None
    faction_id: Id | None = None


class Roles(msgspec.Struct, frozen=True):
    """The roles a character has in its corporation everywhere; none: it has none."""

    roles: frozenset[str] | None = None


class SolarSystem(msgspec.Struct, frozen=True):
    """`security_status` is the true one, -1.0 to 1.0, not rounded for display."""

    solar_system_id: Id = msgspec.field(name="system_id")
    name: str
    security_status: float
    constellation_id: Id


class ServerStatus(msgspec.Struct, frozen=True):
    """The game server: pilots online and its build. May come from a cache while EVE is down."""

    players: int
    server_version: str
