"""The slots of a lost ship, with what was in each: those of its hull, for the drawing of the fit and for its list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Any]

_FIRST_FLAGS = {"HIGH": 27, "MID": 19, "LOW": 11, "RIG": 92, "SUBSYSTEM": 125, "SERVICE": 164}
"""By rack, the inventory flag of its first slot (EVE's static data, `invFlags`)."""
_WORDS = {
    "HIGH": "high slot",
    "MID": "mid slot",
    "LOW": "low slot",
    "RIG": "rig slot",
    "SUBSYSTEM": "subsystem slot",
    "SERVICE": "service slot",
}


@dataclass(frozen=True, slots=True)
class RackOfSlots:
    """`slots`: what was in each, in their order. `called`: one of them in words."""

    called: str
    slots: list[list[Item]]

    @property
    def empty(self) -> int:
        """How many held nothing."""
        return sum(not inside for inside in self.slots)


def racks_of_slots(items: Iterable[Item], known: Mapping[str, int] | None) -> dict[str, RackOfSlots]:
    """By rack (HIGH, MID, …), without those that have no slot.

    `known`: how many the ship had of each, as `Killmail.slots`. A slot in use is one whatever is known: hulls change.
    Where nothing is known, the slots are those up to the last in use.
    """
    inside: dict[int, list[Item]] = {}
    for item in items:
        if item["slot"] in _FIRST_FLAGS:
            inside.setdefault(item["flag"], []).append(item)
    racks: dict[str, RackOfSlots] = {}
    for rack, first in _FIRST_FLAGS.items():
        used = max((flag + 1 - first for flag, held in inside.items() if held[0]["slot"] == rack), default=0)
        if count := max(used, 0 if known is None else known[rack.lower()]):
            racks[rack] = RackOfSlots(_WORDS[rack], [inside.get(first + number, []) for number in range(count)])
    return racks
