"""The attackers of a killmail page: who counts most first, a page of them at a time, and groups of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.killmails.attacker_groups import groups

PER_PAGE = 50
GROUPS_SHOWN = 12
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Attackers of one ship, corporation or alliance. `entity` is that."""

    entity: Node
    attackers: int
    damage: int


@dataclass(frozen=True, slots=True)
class Groups:
    """The largest groups of a kind, and how many more there are."""

    kind: str
    title: str
    shown: list[Group]
    more: int


@dataclass(frozen=True, slots=True)
class ShownAttackers:
    """A page of the attackers. Pages are counted from 1."""

    attackers: list[Node]
    page: int
    pages: int
    first: int
    groups: list[Groups]


def shown_attackers(killmail: Node, page: str | None) -> ShownAttackers:
    """The page of the attackers that was asked for, or the nearest there is."""
    attackers = ordered(killmail)
    pages = max(1, -(-len(attackers) // PER_PAGE))
    number = int(page) if page and page.isascii() and page.isdecimal() and len(page) < 6 else 1
    number = min(max(1, number), pages)
    start = (number - 1) * PER_PAGE
    kinds = (("ship", "Ships"), ("corporation", "Corporations"), ("alliance", "Alliances"))
    return ShownAttackers(
        attackers=attackers[start : start + PER_PAGE],
        page=number,
        pages=pages,
        first=start + 1,
        groups=[found for kind, title in kinds if (found := _groups(attackers, kind, title)).shown],
    )


def ordered(killmail: Node) -> list[Node]:
    """Final blow, then top damage, then by damage. Each is told by `topDamage` whether it is that."""
    top = killmail["topDamage"]
    position = -1 if top is None else killmail["attackers"].index(top)
    told = [{**one, "topDamage": index == position} for index, one in enumerate(killmail["attackers"])]
    return sorted(told, key=lambda one: (not one["finalBlow"], not one["topDamage"], -one["damageDone"]))


def _groups(attackers: Sequence[Node], kind: str, title: str) -> Groups:
    found = [Group(one[kind], one["attackers"], one["damageDone"]) for one in groups(attackers, kind)]
    return Groups(kind, title, found[:GROUPS_SHOWN], max(0, len(found) - GROUPS_SHOWN))
