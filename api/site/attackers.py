"""The attackers of a killmail page: who they were together, who counts most first, ten of them or a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from db.killmails.attacker_groups import groups

SHOWN_FIRST = 10
PER_PAGE = 100
PARTIES_SHOWN, MEMBERS_SHOWN, SHIPS_SHOWN = 6, 4, 8
Node = dict[str, Any]


@dataclass(slots=True)
class Group:
    """Attackers of one alliance, corporation, faction or ship. `kind`: of `entity`. `members`: its corporations."""

    entity: Node
    kind: str
    attackers: int = 0
    damage: int = 0
    members: list[Group] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True, slots=True)
class ShownAttackers:
    """The first of the attackers (`page` 0), or a page of them, counted from 1; and groups of all of them."""

    attackers: list[Node]
    page: int
    pages: int
    first: int
    parties: list[Group]
    more_parties: int
    ships: list[Group]
    more_ships: int
    most: int
    """The damage of whoever did most: as long as a bar can be."""
    damage: int
    """By all of them."""

    @property
    def last(self) -> int:
        """The number of the last one shown."""
        return self.first + len(self.attackers) - 1


def shown_attackers(killmail: Node, page: str | None) -> ShownAttackers:
    """The page of the attackers that was asked for, or the nearest there is."""
    attackers = ordered(killmail)
    pages = max(1, -(-len(attackers) // PER_PAGE))
    number = int(page) if page and page.isascii() and page.isdecimal() and len(page) < 6 else 0
    number = min(max(0, number), pages)
    if number == 0 and len(attackers) <= SHOWN_FIRST + 2:
        number = 1
    start = max(0, number - 1) * PER_PAGE
    parties, ships = (
        _parties(attackers),
        [Group(one["ship"], "type", one["attackers"], one["damageDone"]) for one in groups(attackers, "ship")],
    )
    return ShownAttackers(
        attackers=attackers[start : start + PER_PAGE] if number else attackers[:SHOWN_FIRST],
        page=number,
        pages=pages,
        first=start + 1,
        parties=parties[:PARTIES_SHOWN],
        more_parties=max(0, len(parties) - PARTIES_SHOWN),
        ships=ships[:SHIPS_SHOWN],
        more_ships=max(0, len(ships) - SHIPS_SHOWN),
        most=max((one["damageDone"] for one in attackers), default=0),
        damage=sum(one["damageDone"] for one in attackers),
    )


def ordered(killmail: Node) -> list[Node]:
    """Final blow, then top damage, then by damage. Each is told by `topDamage` whether it is that."""
    top = killmail["topDamage"]
    position = -1 if top is None else killmail["attackers"].index(top)
    told = [{**one, "topDamage": index == position} for index, one in enumerate(killmail["attackers"])]
    return sorted(told, key=lambda one: (not one["finalBlow"], not one["topDamage"], -one["damageDone"]))


def _parties(attackers: Sequence[Node]) -> list[Group]:
    """By alliance, else by corporation, else by faction; the largest first, each with its corporations."""
    parties: dict[str, Group] = {}
    members: dict[tuple[str, str], Group] = {}
    for one in attackers:
        kind = next((kind for kind in ("alliance", "corporation", "faction") if one[kind]), None)
        if kind is None:
            continue
        party = parties.setdefault(one[kind]["id"], Group(one[kind], kind))
        _add(party, one)
        if kind == "alliance" and (corporation := one["corporation"]):
            member = members.get((party.entity["id"], corporation["id"]))
            if member is None:
                member = members[party.entity["id"], corporation["id"]] = Group(corporation, "corporation")
                party.members.append(member)
            _add(member, one)
    for party in parties.values():
        party.members.sort(key=_largest_first)
        party.more = max(0, len(party.members) - MEMBERS_SHOWN)
        del party.members[MEMBERS_SHOWN:]
    return sorted(parties.values(), key=_largest_first)


def _add(group: Group, attacker: Node) -> None:
    group.attackers += 1
    group.damage += attacker["damageDone"]


def _largest_first(group: Group) -> tuple[int, int]:
    return -group.attackers, -group.damage
