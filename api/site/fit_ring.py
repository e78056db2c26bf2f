"""The fit as the game draws it: modules on a ring around the ship, high slots above, mid right, low below, rigs left.

A drawing for eyes alone: the list beneath it says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

from api.site.fit import is_charge
from contracts.plurals import counted

Item = Mapping[str, Any]

SIZE = 400
_CENTRE = SIZE / 2
_RADIUS, _CHARGE_RADIUS = 180, 146
MODULE, CHARGE = 32, 24
_STEP, _LARGEST_SIDE = 11, 77
"""Degrees from slot to slot, and from the first to the last of a side at most: that of eight slots."""
_SIDES: tuple[tuple[float, tuple[tuple[str, int], ...]], ...] = (
    (0, (("HIGH", 27),)),
    (90, (("MID", 19),)),
    (180, (("LOW", 11),)),
    (270, (("RIG", 92), ("SUBSYSTEM", 125), ("SERVICE", 164))),
)
"""Where the middle of a side is, clockwise from the top; the side's racks, each with the flag of its first slot."""
_WORDS = {
    "HIGH": "high slot",
    "MID": "mid slot",
    "LOW": "low slot",
    "RIG": "rig",
    "SUBSYSTEM": "subsystem",
    "SERVICE": "service slot",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A slot. `type` is None where nothing was fitted. `fate`: destroyed or dropped. x and y: of its middle."""

    x: float
    y: float
    type: Any
    fate: str
    charge: Any = None
    charge_x: float = 0
    charge_y: float = 0

    @property
    def module_size(self) -> int:
        """In the units of the drawing, as all of these."""
        return MODULE

    @property
    def charge_size(self) -> int:
        """Of what is loaded."""
        return CHARGE


@dataclass(frozen=True, slots=True)
class Ring:
    """The slots of a ship; `says`: the drawing in a sentence."""

    spots: list[Spot]
    says: str
    radius: int = _RADIUS


def fit_ring(items: Iterable[Item]) -> Ring | None:
    """The ring of a killmail's items; None when nothing is in a slot.

    How many slots a ship has is not known here: a gap below a slot in use is drawn empty, what is above the last is not
    drawn.
    """
    fitted: dict[int, list[Item]] = {}
    for item in items:
        if item["slot"] in _WORDS:
            fitted.setdefault(item["flag"], []).append(item)
    spots: list[Spot] = []
    said: list[str] = []
    for middle, racks in _SIDES:
        slots = [slot for rack, first in racks for slot in _slots(fitted, rack, first, said)]
        step = min(_STEP, _LARGEST_SIDE / max(1, len(slots) - 1))
        first_angle = middle - step * (len(slots) - 1) / 2
        spots += [_spot(first_angle + step * number, inside) for number, inside in enumerate(slots)]
    return Ring(spots, ", ".join(said)) if spots else None


def _slots(fitted: Mapping[int, list[Item]], rack: str, first: int, said: list[str]) -> list[list[Item]]:
    flags = [flag for flag, inside in fitted.items() if inside[0]["slot"] == rack]
    if not flags:
        return []
    slots = [fitted.get(flag, []) for flag in range(first, max(flags) + 1)]
    empty = sum(not inside for inside in slots)
    said.append(counted(len(slots) - empty, _WORDS[rack]) + (f" and {empty} empty" if empty else ""))
    return slots


def _spot(angle: float, inside: list[Item]) -> Spot:
    x, y = _at(angle, _RADIUS)
    modules = [item for item in inside if not is_charge(item)]
    charges = [item for item in inside if is_charge(item)]
    shown = modules[0] if modules else charges[0] if charges else None
    if shown is None:
        return Spot(x, y, None, "empty")
    charge = charges[0]["type"] if modules and charges else None
    charge_x, charge_y = _at(angle, _CHARGE_RADIUS)
    fate = "dropped" if shown["quantityDropped"] else "destroyed"
    return Spot(x, y, shown["type"], fate, charge, charge_x, charge_y)


def _at(angle: float, radius: float) -> tuple[float, float]:
    turn = radians(angle)
    return round(_CENTRE + radius * sin(turn), 1), round(_CENTRE - radius * cos(turn), 1)
