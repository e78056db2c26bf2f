"""What is remarkable about a killmail, each in a word or two with its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from api.site.labels import FLAGS

Node = Mapping[str, Any]
CONCORD_CORPORATION, CONCORD_FACTION = "1000125", "500006"
"""CONCORD and the CONCORD Assembly in EVE's static data."""
ABYSSAL_SYSTEMS = range(32_000_000, 33_000_000)
"""Abyssal deadspace (EVE developer documentation, "ID ranges")."""
MODULE_CATEGORY, DRONE_CATEGORY = "7", "18"
"""Categories in EVE's static data."""
SOLO_AMONG_NPCS = "A single pilot got this kill; the other attackers were NPCs"


def points_of_interest(killmail: Node) -> list[tuple[str, str]]:
    """Each with its meaning in a sentence."""
    return [*_flags(killmail), *_circumstances(killmail)]


def _flags(killmail: Node) -> Iterator[tuple[str, str]]:
    for flag, meaning in FLAGS.items():
        if killmail[flag]:
            alone = flag != "solo" or killmail["attackerCount"] == 1
            yield (flag, meaning) if alone else ("solo (NPCs present)", SOLO_AMONG_NPCS)


def _circumstances(killmail: Node) -> Iterator[tuple[str, str]]:
    if any(map(_is_concord, killmail["attackers"])):
        yield "killed by CONCORD", "CONCORD was among the attackers: the victim had broken the law"
    if int(killmail["solarSystem"]["id"]) in ABYSSAL_SYSTEMS:
        yield "abyssal", "Lost in abyssal deadspace"
    mutated = sorted({item["type"]["name"] for item in _all(killmail["items"]) if is_mutated(item["type"])})
    if mutated:
        yield f"{len(mutated)} mutated", f"Changed by mutaplasmids; not sold on the market: {', '.join(mutated)}"


def _is_concord(attacker: Node) -> bool:
    corporation, faction = attacker["corporation"], attacker["faction"]
    return bool(
        (corporation and corporation["id"] == CONCORD_CORPORATION) or (faction and faction["id"] == CONCORD_FACTION)
    )


def is_mutated(type_: Node) -> bool:
    """Whether a mutaplasmid made it: such modules are called Abyssal, such drones Mutated."""
    name, group = type_["name"], type_.get("group")
    if name is None or group is None or group["category"] is None:
        return False
    category = group["category"]["id"]
    return (category == MODULE_CATEGORY and "Abyssal " in name) or (category == DRONE_CATEGORY and "Mutated " in name)


def _all(items: Iterable[Node]) -> Iterator[Node]:
    for item in items:
        yield item
        yield from _all(item["items"])
