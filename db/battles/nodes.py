"""Battles in the shape of `schema.graphql`, with the names of whom and what they mention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from db.battles.fought import Fighter, Fought
from db.battles.read import Battle, aside
from db.battles.tally import NOTHING, Lost, Party, Pilot, Side, Tally, tally

Node = dict[str, Any]


class Mentioned(NamedTuple):
    """Ids that are to be told by their names. `organizations`: corporations and alliances."""

    characters: set[int]
    organizations: set[int]
    types: set[int]
    systems: set[int]


class Names(Protocol):
    """Makes nodes of those that were `Mentioned`; none of None."""

    def character(self, character_id: int | None) -> Node | None:
        """A pilot."""

    def organization(self, organization_id: int | None) -> Node | None:
        """A corporation or an alliance."""

    def type(self, type_id: int | None) -> Node | None:
        """A ship."""

    def system(self, system_id: int) -> Node:
        """A solar system."""


ReadNames = Callable[[Mentioned], Awaitable[Names]]


async def battle_nodes(read: ReadNames, battles: Sequence[Battle]) -> list[Node]:
    """A `Battle` each; the names are read once, however many there are."""
    told = [
        (battle, await aside(tally, battle.group.killmails, battle.moved, many=_fighters(battle))) for battle in battles
    ]
    killmails = [one for battle in battles for one in battle.group.killmails]
    names = await read(_mentioned(killmails, [fighter for one in killmails for fighter in one.fighters]))
    return [_node(battle, counted, names) for battle, counted in told]


async def loss_nodes(read: ReadNames, killmails: Sequence[Fought]) -> list[Node]:
    """A `BattleLoss` each, of no side: they are of no battle that is known."""
    names = await read(_mentioned(killmails, [one.victim for one in killmails]))
    return [_loss(one, None, names) for one in killmails]


def _fighters(battle: Battle) -> int:
    return sum(len(one.attackers) + 1 for one in battle.group.killmails)


def _mentioned(killmails: Sequence[Fought], fighters: Sequence[Fighter]) -> Mentioned:
    return Mentioned(
        characters={one.character_id for one in fighters if one.character_id is not None},
        organizations={id_ for one in fighters for id_ in (one.corporation_id, one.alliance_id) if id_ is not None},
        types={one.ship_type_id for one in fighters if one.ship_type_id is not None},
        systems={one.solar_system_id for one in killmails},
    )


def _node(battle: Battle, counted: Tally, names: Names) -> Node:
    killmails = battle.group.killmails
    places: defaultdict[int, int] = defaultdict(int)
    for one in killmails:
        places[one.solar_system_id] += 1
    return {
        "id": str(battle.battle_id),
        "startedAt": _moment(killmails[0]),
        "endedAt": _moment(killmails[-1]),
        "isWhole": battle.is_whole,
        "sidesMoved": bool(battle.moved),
        "solarSystems": [names.system(place) for place in sorted(places, key=lambda place: (-places[place], place))],
        "killmailCount": len(killmails),
        "pilotCount": counted.pilots,
        "iskDestroyed": _isk(sum((one.value or NOTHING for one in killmails), NOTHING)),
        "sides": [_side(number, side, names) for number, side in enumerate(counted.sides)],
        "losses": [_loss(one, counted.victims_side[one.killmail_id], names) for one in killmails],
    }


def _side(number: int, side: Side, names: Names) -> Node:
    return {
        "number": number,
        "parties": [_party(one, names) for one in side.parties],
        "pilotCount": len(side.pilots),
        "shipsLost": side.ships_lost,
        "capsulesLost": side.capsules_lost,
        "iskLost": _isk(side.isk_lost),
        "iskDestroyed": _isk(side.isk_destroyed),
        "efficiency": side.efficiency,
        "lostByGroup": _by_group(side.lost, names),
        "pilots": [_pilot(one, names) for one in side.pilots],
    }


def _party(party: Party, names: Names) -> Node:
    organization = None if party.kind == "character" else names.organization(party.party_id)
    return {
        "id": str(party.party_id),
        "alliance": organization if party.kind == "alliance" else None,
        "corporation": organization if party.kind == "corporation" else None,
        "character": names.character(party.party_id) if party.kind == "character" else None,
        "pilotCount": party.pilots,
    }


def _by_group(lost: dict[int, Lost], names: Names) -> list[Node]:
    """By the group of what was lost, the costliest first; what is not known yet is together in one without a group."""
    together: dict[str, Lost] = {}
    groups: dict[str, Node | None] = {}
    for type_id, one in lost.items():
        kind = names.type(type_id) if type_id else None
        group = None if kind is None else kind["group"]
        key = "" if group is None else group["id"]
        groups[key] = group
        there = together.setdefault(key, Lost())
        there.ships += one.ships
        there.isk += one.isk
    order = sorted(together, key=lambda key: (-together[key].isk, -together[key].ships, key))
    return [{"group": groups[key], "ships": together[key].ships, "isk": _isk(together[key].isk)} for key in order]


def _pilot(pilot: Pilot, names: Names) -> Node:
    return {
        "character": names.character(pilot.character_id),
        "corporation": names.organization(pilot.corporation_id),
        "alliance": names.organization(pilot.alliance_id),
        "ships": [names.type(ship) for ship in pilot.ships],
        "kills": pilot.kills,
        "losses": pilot.losses,
        "damageDone": pilot.damage_done,
        "iskLost": _isk(pilot.isk_lost),
    }


def _loss(one: Fought, side: int | None, names: Names) -> Node:
    victim = one.victim
    return {
        "id": str(one.killmail_id),
        "time": _moment(one),
        "solarSystem": names.system(one.solar_system_id),
        "side": side,
        "ship": names.type(victim.ship_type_id),
        "character": names.character(victim.character_id),
        "corporation": names.organization(victim.corporation_id),
        "alliance": names.organization(victim.alliance_id),
        "attackerCount": len(one.attackers),
        "value": None if one.value is None else _isk(one.value),
    }


def _moment(one: Fought) -> datetime:
    return datetime.fromtimestamp(one.time, UTC)


def _isk(amount: Decimal) -> str:
    return str(round(amount, 2))
