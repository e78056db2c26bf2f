"""Battles in the shape of `schema.graphql`, with the names of whom and what they mention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg

from db.battles.fought import Fought
from db.battles.read import Battle, aside
from db.battles.tally import NOTHING, Lost, Party, Pilot, Side, Tally, tally
from db.universe.known import Known, known_of
from db.universe.places import solar_system_nodes

Node = dict[str, Any]


async def battle_nodes(pool: asyncpg.Pool, battles: Sequence[Battle]) -> list[Node]:
    """A `Battle` each. Two statements, however many there are."""
    told = [
        (battle, await aside(tally, battle.group.killmails, battle.moved, many=_fighters(battle))) for battle in battles
    ]
    places = {one.solar_system_id for battle in battles for one in battle.group.killmails}
    async with pool.acquire() as connection:
        known = await known_of(connection, {one for battle in battles for one in _mentioned(battle)})
        systems = await solar_system_nodes(connection, places)
    return [_node(battle, counted, known, systems) for battle, counted in told]


async def loss_nodes(pool: asyncpg.Pool, killmails: Sequence[Fought]) -> list[Node]:
    """A `BattleLoss` each, of no side: they are of no battle that is known. Two statements."""
    async with pool.acquire() as connection:
        ids = {one for killmail in killmails for one in killmail.victim[:4] if one is not None}
        known = await known_of(connection, ids)
        systems = await solar_system_nodes(connection, {one.solar_system_id for one in killmails})
    return [_loss(one, None, known, systems) for one in killmails]


def _fighters(battle: Battle) -> int:
    return sum(len(one.attackers) + 1 for one in battle.group.killmails)


def _mentioned(battle: Battle) -> Iterable[int]:
    return {
        one
        for killmail in battle.group.killmails
        for fighter in killmail.fighters
        for one in fighter[:4]
        if one is not None
    }


def _node(battle: Battle, counted: Tally, known: Known, systems: dict[int, Node]) -> Node:
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
        "solarSystems": [systems[place] for place in sorted(places, key=lambda place: (-places[place], place))],
        "killmailCount": len(killmails),
        "pilotCount": counted.pilots,
        "iskDestroyed": _isk(sum((one.value or NOTHING for one in killmails), NOTHING)),
        "sides": [_side(number, side, known) for number, side in enumerate(counted.sides)],
        "losses": [_loss(one, counted.victims_side[one.killmail_id], known, systems) for one in killmails],
    }


def _side(number: int, side: Side, known: Known) -> Node:
    return {
        "number": number,
        "parties": [_party(one, known) for one in side.parties],
        "pilotCount": len(side.pilots),
        "shipsLost": side.ships_lost,
        "capsulesLost": side.capsules_lost,
        "iskLost": _isk(side.isk_lost),
        "iskDestroyed": _isk(side.isk_destroyed),
        "efficiency": side.efficiency,
        "lostByGroup": _by_group(side.lost, known),
        "pilots": [_pilot(one, known) for one in side.pilots],
    }


def _party(party: Party, known: Known) -> Node:
    organization = None if party.kind == "character" else known.organization(party.party_id)
    return {
        "id": str(party.party_id),
        "alliance": organization if party.kind == "alliance" else None,
        "corporation": organization if party.kind == "corporation" else None,
        "character": known.character(party.party_id) if party.kind == "character" else None,
        "pilotCount": party.pilots,
    }


def _by_group(lost: dict[int, Lost], known: Known) -> list[Node]:
    """By the group of what was lost, the costliest first; what is not known yet is together in one without a group."""
    together: dict[str, Lost] = {}
    groups: dict[str, Node | None] = {}
    for type_id, one in lost.items():
        kind = known.type(type_id) if type_id else None
        group = None if kind is None else kind["group"]
        key = "" if group is None else group["id"]
        groups[key] = group
        there = together.setdefault(key, Lost())
        there.ships += one.ships
        there.isk += one.isk
    order = sorted(together, key=lambda key: (-together[key].isk, -together[key].ships, key))
    return [{"group": groups[key], "ships": together[key].ships, "isk": _isk(together[key].isk)} for key in order]


def _pilot(pilot: Pilot, known: Known) -> Node:
    return {
        "character": known.character(pilot.character_id),
        "corporation": known.organization(pilot.corporation_id),
        "alliance": known.organization(pilot.alliance_id),
        "ships": [known.type(ship) for ship in pilot.ships],
        "kills": pilot.kills,
        "losses": pilot.losses,
        "damageDone": pilot.damage_done,
        "iskLost": _isk(pilot.isk_lost),
    }


def _loss(one: Fought, side: int | None, known: Known, systems: dict[int, Node]) -> Node:
    victim = one.victim
    return {
        "id": str(one.killmail_id),
        "time": _moment(one),
        "solarSystem": systems[one.solar_system_id],
        "side": side,
        "ship": known.type(victim.ship_type_id),
        "character": known.character(victim.character_id),
        "corporation": known.organization(victim.corporation_id),
        "alliance": known.organization(victim.alliance_id),
        "attackerCount": len(one.attackers),
        "value": None if one.value is None else _isk(one.value),
    }


def _moment(one: Fought) -> datetime:
    return datetime.fromtimestamp(one.time, UTC)


def _isk(amount: Decimal) -> str:
    return str(round(amount, 2))
