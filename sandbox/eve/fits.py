"""Ships as pilots fit them: hulls of every class with modules in their slots, charges that fit, drones, and supplies.

A line of `fits.txt` is a fit: hull | high | medium | low | rigs | drones | hold. "3 Name + Charge" is three modules
with that charge. Names are those of `catalogue`. How many slots a hull has is a fact of the static data export that CCP
publishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sandbox.eve import catalogue

_TEXT = Path(__file__).with_name("fits.txt").read_text()


@dataclass(frozen=True, slots=True)
class Module:
    """What is in a slot. `charge`: None where there is none."""

    type_id: int
    charge: int | None


@dataclass(frozen=True, slots=True)
class Fit:
    """A hull with its modules by rack; drones (of a carrier fighters) and the hold by type and number.

    `damage`: about what it takes before it dies, from and to.
    """

    hull: int
    high: tuple[Module, ...]
    medium: tuple[Module, ...]
    low: tuple[Module, ...]
    rigs: tuple[Module, ...]
    drones: tuple[tuple[int, int], ...]
    hold: tuple[tuple[int, int], ...]
    damage: tuple[int, int]

    @property
    def weapon(self) -> int:
        """With which it does most of its damage: a loaded gun, else drones, else whatever it has."""
        loaded = next((one.type_id for one in self.high if one.charge is not None), None)
        return loaded or (self.drones[0][0] if self.drones else self.hull)


def _fits(ship_class: str, damage: tuple[int, int]) -> tuple[Fit, ...]:
    """Those below the line that names the class."""
    _, _, after = _TEXT.partition(f"# {ship_class}\n")
    lines = after.partition("#")[0].strip().splitlines()
    return tuple(_fit([part.strip() for part in line.split("|")], damage) for line in lines)


def _fit(parts: list[str], damage: tuple[int, int]) -> Fit:
    hull, high, medium, low, rigs, drones, hold = parts
    return Fit(
        _type_id(hull), _rack(high), _rack(medium), _rack(low), _rack(rigs), _stock(drones), _stock(hold), damage
    )


def _rack(text: str) -> tuple[Module, ...]:
    found: list[Module] = []
    for words in filter(None, map(str.strip, text.split(";"))):
        module, _, charge = words.partition(" + ")
        number, name = _counted(module)
        found += [Module(_type_id(name), _type_id(charge) if charge else None)] * number
    return tuple(found)


def _stock(text: str) -> tuple[tuple[int, int], ...]:
    counted = (_counted(words.strip()) for words in text.split(";") if words.strip())
    return tuple((_type_id(name), number) for number, name in counted)


def _counted(words: str) -> tuple[int, str]:
    number, _, name = words.partition(" ")
    return (int(number), name) if number.isdecimal() else (1, words)


@lru_cache(maxsize=1)
def _ids() -> dict[str, int]:
    return {one.name: one.type_id for one in catalogue.types().values()}


def _type_id(name: str) -> int:
    return _ids()[name]


FRIGATES = _fits("frigates", (900, 9_000))
DESTROYERS = _fits("destroyers", (3_000, 14_000))
CRUISERS = _fits("cruisers", (9_000, 60_000))
BATTLECRUISERS = _fits("battlecruisers", (28_000, 90_000))
BATTLESHIPS = _fits("battleships", (60_000, 190_000))
HAULERS = _fits("haulers", (2_500, 320_000))
CARRIERS = _fits("carriers", (1_500_000, 4_000_000))
COMBAT = (FRIGATES, FRIGATES, FRIGATES, DESTROYERS, CRUISERS, CRUISERS, BATTLECRUISERS, BATTLESHIPS)
ALL = (*FRIGATES, *DESTROYERS, *CRUISERS, *BATTLECRUISERS, *BATTLESHIPS, *HAULERS, *CARRIERS)


def _doctrine(line: str, *support: str) -> tuple[Fit, ...]:
    by_hull = {one.hull: one for one in ALL}
    return (*[by_hull[_type_id(line)]] * 6, *(by_hull[_type_id(name)] for name in support))


DOCTRINES = (
    _doctrine("Muninn", "Scimitar", "Huginn", "Sabre"),
    _doctrine("Cerberus", "Scimitar", "Onyx", "Stiletto"),
    _doctrine("Sacrilege", "Guardian", "Huginn", "Sabre"),
    _doctrine("Ferox", "Scimitar", "Onyx", "Sabre"),
    _doctrine("Hurricane", "Scimitar", "Huginn", "Stiletto"),
    _doctrine("Megathron", "Guardian", "Huginn", "Sabre"),
    _doctrine("Abaddon", "Guardian", "Onyx", "Sabre"),
    _doctrine("Maelstrom", "Scimitar", "Huginn", "Crow"),
    _doctrine("Thrasher", "Stiletto"),
    _doctrine("Jaguar", "Sabre", "Crow"),
)
"""What fleets fly: ships of the line, and those that support them."""
