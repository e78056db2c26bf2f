"""A loss's items as a pilot reads a fit: by slot, charges at their modules, equal ones counted, containers opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Fate = Literal["destroyed", "dropped"]
Item = Mapping[str, Any]

RACKS = {
    "HIGH": "High slots",
    "MID": "Mid slots",
    "LOW": "Low slots",
    "RIG": "Rigs",
    "SUBSYSTEM": "Subsystems",
    "SERVICE": "Service slots",
    "IMPLANT": "Implants",
    "DRONE_BAY": "Drone bay",
    "FIGHTER_TUBE": "Fighter tubes",
    "FIGHTER_BAY": "Fighter bay",
    "CARGO": "Cargo hold",
    "FLEET_HANGAR": "Fleet hangar",
    "SPECIAL_HOLD": "Special holds",
    "FRIGATE_BAY": "Frigate escape bay",
    "OTHER": "Other",
}
"""The slots of `schema.graphql` in the order of the fitting window, and what they are called there."""
LOADED = frozenset({"HIGH", "MID", "LOW", "SERVICE"})
"""Where a charge lies in the slot of the module that fires it."""
CHARGE_CATEGORY = "8"
"""Category id of charges in EVE's static data."""
BLUEPRINT_COPY = 2
"""`singleton` of a blueprint copy (ESI's document of killmails)."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What was loaded."""

    type: Any
    quantity: int
    fate: Fate


@dataclass(frozen=True, slots=True)
class Line:
    """Equal items. `depth`: in how many containers they lie. `copy`: a blueprint copy."""

    type: Any
    quantity: int
    fate: Fate
    depth: int = 0
    copy: bool = False
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class Rack:
    """The lines of one kind of slot."""

    slot: str
    title: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class ShownFit:
    """The racks that hold something. `left_out`: how many lines are not shown."""

    racks: list[Rack]
    left_out: int


def shown_fit(items: Iterable[Item], at_most: int) -> ShownFit:
    """The items of a killmail, `at_most` so many lines of them."""
    by_slot: dict[str, list[Item]] = {slot: [] for slot in RACKS}
    for item in items:
        by_slot[item["slot"]].append(item)
    racks, room, left_out = [], at_most, 0
    for slot, held in by_slot.items():
        lines = _fitted(held) if slot in LOADED else _stowed(held)
        left_out += max(0, len(lines) - room)
        if lines[:room]:
            racks.append(Rack(slot, RACKS[slot], lines[:room]))
        room = max(0, room - len(lines))
    return ShownFit(racks, left_out)


def is_charge(item: Item) -> bool:
    """Whether it is ammunition, a script, a crystal: what goes into a module. False while its category is unknown."""
    group = item["type"]["group"]
    return group is not None and group["category"] is not None and group["category"]["id"] == CHARGE_CATEGORY


def _fitted(items: list[Item]) -> list[Line]:
    """Slot by slot, each module with what was loaded; equal slots are counted together."""
    slots: dict[int, list[Item]] = {}
    for item in items:
        slots.setdefault(item["flag"], []).append(item)
    counted: dict[tuple[Any, ...], Line] = {}
    for _, inside in sorted(slots.items()):
        modules = [item for item in inside if not is_charge(item)]
        charges = [item for item in inside if is_charge(item)]
        for item in modules or charges:
            loaded = _charges(charges) if modules and item is modules[0] else ()
            for line in _lines(item, 0):
                _count(counted, replace(line, charges=loaded if line.depth == 0 else ()))
    return list(counted.values())


def _stowed(items: list[Item]) -> list[Line]:
    """What lies in a hold; what a container held comes right after it and is counted by itself."""
    loose: dict[tuple[Any, ...], Line] = {}
    containers: list[Line] = []
    for item in items:
        lines = list(_lines(item, 0))
        if item["items"]:
            containers += lines
        else:
            for line in lines:
                _count(loose, line)
    return [*loose.values(), *containers]


def _lines(item: Item, depth: int) -> Iterator[Line]:
    copy = item["singleton"] == BLUEPRINT_COPY
    for fate, quantity in _fates(item):
        yield Line(item["type"], quantity, fate, depth, copy)
    inner: dict[tuple[Any, ...], Line] = {}
    for held in item["items"]:
        lines = list(_lines(held, depth + 1))
        if held["items"]:
            yield from lines
        else:
            for line in lines:
                _count(inner, line)
    yield from inner.values()


def _fates(item: Item) -> Iterator[tuple[Fate, int]]:
    if item["quantityDestroyed"]:
        yield "destroyed", item["quantityDestroyed"]
    if item["quantityDropped"]:
        yield "dropped", item["quantityDropped"]


def _charges(items: list[Item]) -> tuple[Charge, ...]:
    return tuple(Charge(item["type"], quantity, fate) for item in items for fate, quantity in _fates(item))


def _count(counted: dict[tuple[Any, ...], Line], line: Line) -> None:
    """Add a line to its equals. Charges are equal when they are of one type and one fate, however many."""
    charges = tuple((charge.type["id"], charge.fate) for charge in line.charges)
    key = (line.type["id"], line.fate, line.depth, line.copy, charges)
    known = counted.get(key)
    if known is None:
        counted[key] = line
        return
    together = tuple(
        replace(one, quantity=one.quantity + other.quantity)
        for one, other in zip(known.charges, line.charges, strict=True)
    )
    counted[key] = replace(known, quantity=known.quantity + line.quantity, charges=together)
