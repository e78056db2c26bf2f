"""What a battle came to: of each side and each pilot what they lost, and what they took part in destroying."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from db.battles.fought import Fighter, Fought
from db.battles.moved import Sides, with_moved
from db.battles.sides import sides_of

PartyKind = Literal["alliance", "corporation", "character"]
NOTHING = Decimal("0.00")


@dataclass(slots=True)
class Pilot:
    """Of one character. Amounts in ISK."""

    character_id: int
    corporation_id: int | None
    alliance_id: int | None
    ships: list[int] = field(default_factory=list)
    """Types, in the order in which they were seen, capsules too."""
    kills: int = 0
    losses: int = 0
    damage_done: int = 0
    isk_lost: Decimal = NOTHING


@dataclass(slots=True)
class Party:
    """An alliance, a corporation or a pilot on a side."""

    kind: PartyKind
    party_id: int
    pilots: int = 0


@dataclass(slots=True)
class Lost:
    """Ships of one type that a side lost."""

    ships: int = 0
    isk: Decimal = NOTHING


@dataclass(slots=True)
class Side:
    """`ships_lost`: without capsules. `isk_destroyed`: of others' losses that somebody of this side attacked."""

    parties: list[Party] = field(default_factory=list)
    pilots: list[Pilot] = field(default_factory=list)
    lost: dict[int, Lost] = field(default_factory=dict)
    """By type."""
    ships_lost: int = 0
    capsules_lost: int = 0
    isk_lost: Decimal = NOTHING
    isk_destroyed: Decimal = NOTHING

    @property
    def efficiency(self) -> float | None:
        """ISK destroyed out of ISK destroyed and lost, 0 to 1; None if both are 0."""
        both = self.isk_destroyed + self.isk_lost
        return float(self.isk_destroyed / both) if both else None


@dataclass(frozen=True, slots=True)
class Tally:
    """The sides, the two who fought each other most first; `victims_side`: of each killmail, None for NPCs'."""

    sides: Sequence[Side]
    victims_side: dict[int, int | None]

    @property
    def pilots(self) -> int:
        """How many took part."""
        return sum(len(side.pilots) for side in self.sides)


def shown_sides(killmails: Iterable[Fought], moved: Sides) -> dict[int, int]:
    """The side of each party: as inferred, and as it was moved by hand."""
    return with_moved(sides_of(killmails), moved)


def tally(killmails: Iterable[Fought], moved: Sides) -> Tally:
    """What these killmails, of one battle and in their order, come to."""
    fought = list(killmails)
    side_of = shown_sides(fought, moved)
    sides = [Side() for _ in range(max(side_of.values(), default=-1) + 1)]
    pilots: dict[int, Pilot] = {}
    homes: dict[int, int] = {}
    members: Counter[int] = Counter()
    kinds: dict[int, PartyKind] = {}
    victims_side: dict[int, int | None] = {}
    for one in fought:
        for fighter in one.fighters:
            if (party := fighter.party) is None:
                continue
            kinds.setdefault(party, _kind(fighter))
            character_id = fighter.pilot
            if character_id is not None and character_id not in pilots:
                pilots[character_id] = Pilot(character_id, fighter.corporation_id, fighter.alliance_id)
                homes[character_id] = side_of[party]
                members[party] += 1
        victims_side[one.killmail_id] = _count(one, side_of, sides, pilots)
    for character_id, pilot in pilots.items():
        sides[homes[character_id]].pilots.append(pilot)
    for party, side in side_of.items():
        sides[side].parties.append(Party(kinds[party], party, members[party]))
    for there in sides:
        there.parties.sort(key=lambda party: (-party.pilots, party.party_id))
        there.pilots.sort(key=lambda pilot: (-pilot.damage_done, -pilot.kills, pilot.character_id))
    return Tally(sides, victims_side)


def _count(one: Fought, side_of: dict[int, int], sides: list[Side], pilots: dict[int, Pilot]) -> int | None:
    value = one.value or NOTHING
    party = one.victim.party
    lost_by = None if party is None else side_of[party]
    if lost_by is not None:
        side = sides[lost_by]
        side.isk_lost += value
        side.capsules_lost += one.is_capsule
        side.ships_lost += not one.is_capsule
        lost = side.lost.setdefault(one.victim.ship_type_id or 0, Lost())
        lost.ships += 1
        lost.isk += value
    for attacking in {side_of[party] for party in one.hunters} - {lost_by}:
        sides[attacking].isk_destroyed += value
    if (victim := _pilot(pilots, one.victim)) is not None:
        victim.losses += 1
        victim.isk_lost += value
    took_part = set()
    for fighter in one.attackers:
        if (attacker := _pilot(pilots, fighter)) is not None:
            attacker.damage_done += fighter.damage
            if attacker.character_id not in took_part:
                attacker.kills += 1
                took_part.add(attacker.character_id)
    return lost_by


def _pilot(pilots: dict[int, Pilot], fighter: Fighter) -> Pilot | None:
    found = None if fighter.pilot is None else pilots.get(fighter.pilot)
    if found is not None and fighter.ship_type_id is not None and fighter.ship_type_id not in found.ships:
        found.ships.append(fighter.ship_type_id)
    return found


def _kind(fighter: Fighter) -> PartyKind:
    if fighter.party == fighter.alliance_id:
        return "alliance"
    return "corporation" if fighter.party == fighter.corporation_id else "character"
