"""A loss's items as a pilot reads a fit: by slot and hold, charges at their modules, equal ones together, each with its
ISK; containers are opened and have their sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from api.site.labels import price_words
from api.site.slots import RackOfSlots
from contracts.plurals import counted
from eve.slots import hold_name

Item = Mapping[str, Any]

RACKS = {
    "HIGH": "High slots",
    "MID": "Mid slots",
    "LOW": "Low slots",
    "RIG": "Rigs",
    "SUBSYSTEM": "Subsystems",
    "SERVICE": "Service slots",
    "FIGHTER_TUBE": "Fighter tubes",
    "DRONE_BAY": "Drone bay",
    "FIGHTER_BAY": "Fighter bay",
    "IMPLANT": "Implants",
    "CARGO": "Cargo hold",
    "FLEET_HANGAR": "Fleet hangar",
    "SPECIAL_HOLD": None,
    "FRIGATE_BAY": "Frigate escape bay",
    "OTHER": None,
}
"""The slots of `schema.graphql` in the order of the fitting window, and what they are called there; None: each of its
flags has a name of its own."""
LOADED = frozenset({"HIGH", "MID", "LOW", "SERVICE"})
"""Where a charge lies in the slot of the module that fires it."""
CHARGE_CATEGORY = "8"
"""Category id of charges in EVE's static data."""
BLUEPRINT_COPY = 2
"""`singleton` of a blueprint copy (ESI's document of killmails)."""
HEAVY = 10
"""A line is worth pointing out from this part of the total on: a tenth."""


@dataclass(frozen=True, slots=True)
class Line:
    """Equal items. `value`: ISK of all of them alone, None without a price. `copy`: a blueprint copy.

    `words`: on its price. `charges`: what was loaded into them; `held`: what is in the container. `heavy`: over a
    tenth of the total.
    """

    type: Any
    destroyed: int
    dropped: int
    value: Decimal | None = None
    copy: bool = False
    words: str = ""
    charges: tuple[Line, ...] = ()
    held: tuple[Line, ...] = ()
    heavy: bool = False

    @property
    def quantity(self) -> int:
        """However they ended."""
        return self.destroyed + self.dropped

    @property
    def fate(self) -> str:
        """`destroyed`, `dropped`, or `split`: some of each."""
        return "split" if self.destroyed and self.dropped else "dropped" if self.dropped else "destroyed"

    @property
    def fate_words(self) -> str:
        """What became of them, in words."""
        if self.fate == "split":
            return f"{self.destroyed:,} destroyed, {self.dropped:,} dropped"
        return self.fate

    @property
    def worth(self) -> Decimal | None:
        """ISK that are shown at the line: without charges, which have lines of their own, but with contents."""
        return self.whole if self.held else self.value

    @property
    def whole(self) -> Decimal | None:
        """ISK with charges and contents; None when nothing of it has a price."""
        if not self.charges and not self.held:
            return self.value
        return total((self, *self.charges, *self.held), lambda one: one.value if one is self else one.whole)


@dataclass(frozen=True, slots=True)
class Rack:
    """The lines of one kind of slot, or of one hold. `value`: ISK of all of them, those that are not shown too.

    `empty`: its slots without anything, in words.
    """

    slot: str
    title: str
    lines: tuple[Line, ...]
    value: Decimal | None = None
    empty: str = ""


@dataclass(frozen=True, slots=True)
class ShownFit:
    """The racks that hold something, or could have. `left_out`: how many lines are not shown."""

    racks: list[Rack]
    left_out: int


def total(lines: Iterable[Line], worth: Any = None) -> Decimal | None:
    """ISK of them together; None when none has a price."""
    values = [value for line in lines if (value := line.whole if worth is None else worth(line)) is not None]
    return sum(values, Decimal(0)) if values else None


def shown_fit(killmail: Mapping[str, Any], racks_of_slots: Mapping[str, RackOfSlots], at_most: int) -> ShownFit:
    """The ship and the items of a killmail, `at_most` so many lines of them, and which of its slots were empty."""
    of_all = None if killmail["value"] is None else Decimal(killmail["value"]["total"])
    racks = [_hull(killmail)] if killmail["items"] else []
    usual_day = killmail["value"] and killmail["value"]["priceDate"]
    empty = {
        rack: counted(of_rack.empty, f"empty {of_rack.called}")
        for rack, of_rack in racks_of_slots.items()
        if of_rack.empty and killmail["items"]
    }
    racks += [
        Rack(slot, title, lines, total(lines), empty.get(slot, ""))
        for slot, title, lines in _racks(killmail["items"], usual_day)
    ]
    room = _Room(at_most)
    shown = [replace(rack, lines=tuple(_cut(rack.lines, room, of_all))) for rack in racks]
    return ShownFit([rack for rack in shown if rack.lines or rack.empty], room.left_out)


def is_charge(item: Item) -> bool:
    """Whether it is ammunition, a script, a crystal: what goes into a module. False while its category is unknown."""
    group = item["type"]["group"]
    return group is not None and group["category"] is not None and group["category"]["id"] == CHARGE_CATEGORY


def _hull(killmail: Mapping[str, Any]) -> Rack:
    value = killmail["value"] and killmail["value"]["ship"]
    isk = None if value is None else Decimal(value)
    words = ""
    if killmail["value"]:
        about = killmail["value"]
        words = price_words(about["shipPriceNote"], about["shipPriceDate"], about["priceDate"])
    return Rack("SHIP", "Ship", (Line(killmail["victim"]["ship"], 1, 0, isk, words=words),), isk)


def _racks(items: Iterable[Item], usual_day: str | None) -> Iterator[tuple[str, str, tuple[Line, ...]]]:
    by_slot: dict[str, list[Item]] = {slot: [] for slot in RACKS}
    for item in items:
        by_slot[item["slot"]].append(item)
    for slot, held in by_slot.items():
        title = RACKS[slot]
        if title is not None:
            yield slot, title, tuple(_fitted(held, usual_day) if slot in LOADED else _stowed(held, usual_day))
            continue
        by_flag: dict[str, list[Item]] = {}
        for item in held:
            by_flag.setdefault(hold_name(item["flag"]), []).append(item)
        for name, of_hold in by_flag.items():
            yield slot, name, tuple(_stowed(of_hold, usual_day))


@dataclass(slots=True)
class _Room:
    left: int
    left_out: int = 0


def _cut(lines: Iterable[Line], room: _Room, of_all: Decimal | None) -> Iterator[Line]:
    """As many lines as there is room for."""
    for line in lines:
        if room.left <= 0:
            room.left_out += _size(line)
            continue
        room.left -= 1
        charges = tuple(replace(charge, heavy=_is_heavy(charge, of_all)) for charge in line.charges)
        held = tuple(_cut(line.held, room, of_all))
        yield replace(line, held=held, charges=charges, heavy=_is_heavy(line, of_all))


def _is_heavy(line: Line, of_all: Decimal | None) -> bool:
    return of_all is not None and line.worth is not None and line.worth * HEAVY > of_all > 0


def _size(line: Line) -> int:
    return 1 + sum(map(_size, line.held))


def _fitted(items: list[Item], usual_day: str | None) -> list[Line]:
    """Slot by slot, each module with what was loaded; equal slots are counted together."""
    slots: dict[int, list[Item]] = {}
    for item in items:
        slots.setdefault(item["flag"], []).append(item)
    counted: dict[tuple[Any, ...], Line] = {}
    for _, inside in sorted(slots.items()):
        modules = [item for item in inside if not is_charge(item)]
        charges = [item for item in inside if is_charge(item)]
        for item in modules or charges:
            first = modules and item is modules[0]
            loaded = tuple(_line(charge, usual_day) for charge in charges) if first else ()
            _count(counted, replace(_line(item, usual_day), charges=loaded))
    return list(counted.values())


def _stowed(items: Iterable[Item], usual_day: str | None) -> list[Line]:
    """What lies in a hold or a container, the most valuable first."""
    counted: dict[tuple[Any, ...], Line] = {}
    for item in items:
        _count(counted, _line(item, usual_day))
    return sorted(counted.values(), key=lambda line: -(line.whole or 0))


def _line(item: Item, usual_day: str | None) -> Line:
    return Line(
        item["type"],
        item["quantityDestroyed"] or 0,
        item["quantityDropped"] or 0,
        None if item["value"] is None else Decimal(item["value"]),
        item["singleton"] == BLUEPRINT_COPY,
        price_words(item["priceNote"], item["priceDate"], usual_day),
        held=tuple(_stowed(item["items"], usual_day)),
    )


def _count(counted: dict[tuple[Any, ...], Line], line: Line) -> None:
    """Add a line to its equals: of one type, with charges of the same types. A filled container has none."""
    key = (line.type["id"], line.copy, *(charge.type["id"] for charge in line.charges))
    if line.held:
        key = (*key, "container", len(counted))
    known = counted.get(key)
    counted[key] = line if known is None else _together(known, line)


def _together(one: Line, other: Line) -> Line:
    return replace(
        one,
        destroyed=one.destroyed + other.destroyed,
        dropped=one.dropped + other.dropped,
        value=None if one.value is None or other.value is None else one.value + other.value,
        charges=tuple(map(_together, one.charges, other.charges)),
    )
