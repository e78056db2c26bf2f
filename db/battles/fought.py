"""A killmail as battles see it: when, where, and whom its victim and its attackers fought for."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

AGENTS = range(3_000_000, 4_000_000)
"""Characters of EVE's own (docs/classification.md)."""
PLAYERS_CORPORATIONS_FROM = 2_000_000
"""Corporations below are EVE's own: their members have nothing in common (ESI docs, "ID ranges")."""


class Fighter(NamedTuple):
    """A victim or an attacker. `damage`: taken by a victim, done by an attacker."""

    character_id: int | None
    corporation_id: int | None
    alliance_id: int | None
    ship_type_id: int | None
    damage: int = 0

    @property
    def party(self) -> int | None:
        """Whom they fight for: the alliance, else the players' corporation, else themselves; None for an NPC."""
        if self.alliance_id is not None:
            return self.alliance_id
        if self.corporation_id is not None and self.corporation_id >= PLAYERS_CORPORATIONS_FROM:
            return self.corporation_id
        return self.pilot

    @property
    def pilot(self) -> int | None:
        """The character, if it is a player's."""
        is_agent = self.character_id is not None and self.character_id in AGENTS
        return None if is_agent else self.character_id


class Fought(NamedTuple):
    """A killmail. `time`: seconds since 1970 (UTC). `value`: ISK; None until it is known."""

    killmail_id: int
    time: float
    solar_system_id: int
    value: Decimal | None
    is_capsule: bool
    victim: Fighter
    attackers: tuple[Fighter, ...]

    @property
    def fighters(self) -> tuple[Fighter, ...]:
        """Everybody on it, the victim first."""
        return (self.victim, *self.attackers)

    @property
    def hunters(self) -> Collection[int]:
        """The parties that attacked."""
        return {party for one in self.attackers if (party := one.party) is not None}
