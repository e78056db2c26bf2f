"""Whose killmails are kept, of what is published of everybody: a day of the archive, zKillboard's stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from eve.killmail import KillmailRef


class _Party(msgspec.Struct, frozen=True):
    character_id: int = 0
    corporation_id: int = 0


class _Parties(msgspec.Struct, frozen=True):
    victim: _Party
    attackers: list[_Party]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose killmails are wanted: of these characters and corporations, as victim or attacker; or everybody's."""

    characters: frozenset[int]
    corporations: frozenset[int]
    everybody: bool = False

    def named_in(self, body: bytes) -> int:
        """A character that is wanted, or else a corporation; 0: nobody. Of everybody's, whom it befell.

        Args:
            body: a killmail's, validated.
        """
        parties = msgspec.json.decode(body, type=_Parties)
        corporation = parties.victim.corporation_id if self.everybody else 0
        for party in (parties.victim, *parties.attackers):
            if party.character_id in self.characters:
                return party.character_id
            if party.corporation_id in self.corporations:
                corporation = party.corporation_id
        return corporation or (next(filter(None, _everyone(parties)), 0) if self.everybody else 0)


@dataclass(frozen=True, slots=True)
class WantedKillmail:
    """One that is wanted. `named`: a character or corporation it is wanted for."""

    ref: KillmailRef
    named: int
    body: bytes = field(repr=False)


def _everyone(parties: _Parties) -> Iterator[int]:
    for party in (parties.victim, *parties.attackers):
        yield from (party.character_id, party.corporation_id)
