"""The fit as the game draws it: modules on a ring around the ship, high slots above, mid right, low below, rigs left.

A drawing for eyes alone: the list beneath it says the same in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

from api.site.fit import is_charge
from api.site.slots import Item, RackOfSlots
from contracts.plurals import counted

SIZE = 400
_CENTRE = SIZE / 2
_RADIUS, _CHARGE_RADIUS = 180, 146
_CHARGE = 24
"""How wide what is loaded is drawn, in the units of the drawing."""
_STEP, _LARGEST_SIDE = 11, 77
"""Degrees from slot to slot, and from the first to the last of a side at most: that of eight slots."""
_SIDES = ((0, ("HIGH",)), (90, ("MID",)), (180, ("LOW",)), (270, ("RIG", "SUBSYSTEM", "SERVICE")))
"""Where the middle of a side is, clockwise from the top; the side's racks."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A slot, as it is `called`. `type` is None where nothing was fitted. `fate`: destroyed or dropped. x and y: of its
    middle; of what is loaded, from there to its corner.
    """

    x: float
    y: float
    called: str
    type: Any
    fate: str
    charge: Any = None
    charge_x: float = 0
    charge_y: float = 0


@dataclass(frozen=True, slots=True)
class Ring:
    """The slots of a ship; `says`: the drawing in a sentence."""

    spots: list[Spot]
    says: str
    radius: int = _RADIUS

    @property
    def holds_something(self) -> bool:
        """Whether anything was fitted."""
        return any(spot.type for spot in self.spots)


def fit_ring(racks: Mapping[str, RackOfSlots]) -> Ring | None:
    """The ring of a ship's slots (`racks_of_slots`); None for what has none."""
    spots: list[Spot] = []
    said: list[str] = []
    for middle, of_side in _SIDES:
        there = [racks[rack] for rack in of_side if rack in racks]
        slots = [(rack.called, inside) for rack in there for inside in rack.slots]
        step = min(_STEP, _LARGEST_SIDE / max(1, len(slots) - 1))
        first_angle = middle - step * (len(slots) - 1) / 2
        spots += [_spot(first_angle + step * number, *slot) for number, slot in enumerate(slots)]
        said += [counted(len(rack.slots), rack.called) + _of_them_empty(rack) for rack in there]
    return Ring(spots, ", ".join(said)) if spots else None


def _of_them_empty(rack: RackOfSlots) -> str:
    return f" ({rack.empty} empty)" if rack.empty else ""


def _spot(angle: float, called: str, inside: list[Item]) -> Spot:
    x, y = _at(angle, _RADIUS)
    modules = [item for item in inside if not is_charge(item)]
    charges = [item for item in inside if is_charge(item)]
    shown = modules[0] if modules else charges[0] if charges else None
    if shown is None:
        return Spot(x, y, called, None, "empty")
    fate = "dropped" if shown["quantityDropped"] else "destroyed"
    if not modules or not charges:
        return Spot(x, y, called, shown["type"], fate)
    charge_x, charge_y = (
        round(there - here - _CHARGE / 2, 1) for there, here in zip(_at(angle, _CHARGE_RADIUS), (x, y), strict=True)
    )
    return Spot(x, y, called, shown["type"], fate, charges[0]["type"], charge_x, charge_y)


def _at(angle: float, radius: float) -> tuple[float, float]:
    turn = radians(angle)
    return round(_CENTRE + radius * sin(turn), 1), round(_CENTRE - radius * cos(turn), 1)
