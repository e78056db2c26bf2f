"""A killmail in a sentence, and the names in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.site.labels import short_isk
from contracts.plurals import counted, with_article

Node = Mapping[str, Any]


def party(one: Node) -> tuple[str, Node | None]:
    """Who an attacker or victim is: the pilot, else the closest there is. Kind of entity, and the entity."""
    kinds = ("character", "corporation", "faction") if one["corporation"] else ("character", "faction")
    for kind in (*kinds, "alliance"):
        if one[kind]:
            return kind, one[kind]
    return "type", one["ship"]


def name_of(entity: Node | None, kind: str) -> str:
    """An entity's name; one that has none yet is said to be unknown, with its id, never left blank."""
    if entity is None:
        return "someone unknown"
    return str(entity["name"] or f"Unknown {kind} {entity['id']}")


def party_name(one: Node) -> str:
    """The name of whom `party` finds."""
    kind, entity = party(one)
    return name_of(entity, kind)


def outcome(killmail: Node) -> str:
    """What it was for whoever looks; of a stranger it is nobody's kill or loss."""
    return {"VICTIM": "Loss", "ATTACKER": "Kill"}.get(killmail["side"], "Killmail")


def title(killmail: Node) -> str:
    """Ada Lovelace lost a Rifter."""
    victim = killmail["victim"]
    ship = name_of(victim["ship"], "type")
    if party(victim)[0] == "type":
        words = with_article(ship)
        return f"{words[0].upper()}{words[1:]} was lost"
    return f"{party_name(victim)} lost {with_article(ship)}"


def sentence(killmail: Node) -> str:
    """Ada Lovelace lost a Rifter worth 12.3m ISK in Jita to Bob, flying a Hurricane, and 3 others."""
    worth = f" worth {short_isk(killmail['value']['total'])} ISK" if killmail["value"] else ""
    place = name_of(killmail["solarSystem"], "system")
    return f"{title(killmail)}{worth} in {place}{_to_whom(killmail)}."


def _to_whom(killmail: Node) -> str:
    blow, others = killmail["finalBlow"], killmail["attackerCount"] - 1
    if blow is None:
        return f" to {counted(killmail['attackerCount'], 'attacker')}"
    ship = name_of(blow["ship"], "type") if blow["ship"] and party(blow)[0] != "type" else ""
    flying = f" in {with_article(ship)}" if ship else ""
    company = f" and {counted(others, 'other')}" if others else ""
    return f" to {party_name(blow)}{flying}{company}"
