"""What can be flown to in a solar system, from CCP's static data export: where it is, and its name.

The export gives exceptions alone a name of their own; all others have the name that the game puts together. Positions
are in metres from the star, as those of killmails are. Source: EVE developer documentation, "Using Static Data",
section "Celestial names", and "Map Data".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from eve.static_data import (
    NPC_CORPORATIONS,
    SOLAR_SYSTEMS,
    Part,
    Row,
    StaticData,
    entry_id,
    entry_name,
)

Position = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Celestial:
    """An entry of the map. What the others are told by is in `about`."""

    celestial_id: int
    own_name: str | None
    solar_system_id: int
    position: Position | None
    about: Mapping[str, Any]


def _star(entry: dict[str, Any]) -> Row:
    return (_Celestial(entry_id(entry, "_key"), _own_name(entry), entry_id(entry, "solarSystemID"), (0, 0, 0), entry),)


def _celestial(entry: dict[str, Any]) -> Row:
    system_id = entry_id(entry, "solarSystemID")
    return (_Celestial(entry_id(entry, "_key"), _own_name(entry), system_id, _position(entry), entry),)


def _named(field: str, entry: dict[str, Any]) -> Row:
    return entry_id(entry, "_key"), entry_name(entry, field)


_SYSTEMS = Part(SOLAR_SYSTEMS.file, partial(_named, "name"))
_CORPORATIONS = Part(NPC_CORPORATIONS.file, partial(_named, "name"), required=False)
_OPERATIONS = Part("stationOperations.jsonl", partial(_named, "operationName"), required=False)
_STARS = Part("mapStars.jsonl", _star, required=False)
_PLANETS = Part("mapPlanets.jsonl", _celestial, required=False)
_MOONS = Part("mapMoons.jsonl", _celestial, required=False)
_BELTS = Part("mapAsteroidBelts.jsonl", _celestial, required=False)
_STARGATES = Part("mapStargates.jsonl", _celestial, required=False)
_STATIONS = Part("npcStations.jsonl", _celestial, required=False)
PARTS = (_SYSTEMS, _CORPORATIONS, _OPERATIONS, _STARS, _PLANETS, _MOONS, _BELTS, _STARGATES, _STATIONS)


def celestials(static_data: StaticData, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
    """Id, English name, solar system, x, y, z of each. What has no place or cannot be named is left out.

    Raises:
        InvalidStaticData: a line is not JSON, or is of nothing in a solar system.
    """

    def names_of(part: Part) -> dict[int, str]:
        return {id_: name for id_, name in static_data.rows(part, on_bytes) if name is not None}

    def placed(part: Part, name: Callable[[Mapping[str, Any]], str | None]) -> Iterator[tuple[int, str, Row]]:
        for (one,) in static_data.rows(part, on_bytes):
            named = one.own_name or name(one.about)
            if named is not None and one.position is not None:
                yield one.celestial_id, named, (one.celestial_id, named, one.solar_system_id, *one.position)

    systems, corporations, operations = map(names_of, (_SYSTEMS, _CORPORATIONS, _OPERATIONS))
    orbits: dict[int, str] = {}
    orbited = {one.about.get("orbitID") for (one,) in static_data.rows(_STATIONS)}

    def round_(about: Mapping[str, Any], suffix: str | None) -> str | None:
        orbit = orbits.get(about.get("orbitID", 0))
        return f"{orbit} - {suffix}" if orbit and suffix else None

    for part, name in (
        (_STARS, lambda about: systems.get(about["solarSystemID"])),
        (_PLANETS, lambda about: _planet(systems.get(about["solarSystemID"]), about)),
        (_MOONS, lambda about: round_(about, _numbered("Moon", about))),
        (_BELTS, lambda about: round_(about, _numbered("Asteroid Belt", about))),
        (_STARGATES, lambda about: _stargate(systems, about)),
        (_STATIONS, lambda about: round_(about, _station(corporations, operations, about))),
    ):
        for celestial_id, named, row in placed(part, name):
            # Of hundreds of thousands of moons, few have stations.
            if part is _PLANETS or celestial_id in orbited:
                orbits[celestial_id] = named
            yield row


def roman(number: int) -> str:
    """A planet's number as the game writes it, from 1."""
    numerals = ((50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
    written = ""
    for worth, numeral in numerals:
        times, number = divmod(number, worth)
        written += numeral * times
    return written


def _planet(system: str | None, about: Mapping[str, Any]) -> str | None:
    index = about.get("celestialIndex")
    return f"{system} {roman(index)}" if system and type(index) is int and index > 0 else None


def _numbered(kind: str, about: Mapping[str, Any]) -> str | None:
    index = about.get("orbitIndex")
    return f"{kind} {index}" if type(index) is int else None


def _stargate(systems: Mapping[int, str], about: Mapping[str, Any]) -> str | None:
    leads_to = about.get("destination")
    system = systems.get(leads_to.get("solarSystemID", 0)) if isinstance(leads_to, dict) else None
    return f"Stargate ({system})" if system else None


def _station(corporations: Mapping[int, str], operations: Mapping[int, str], about: Mapping[str, Any]) -> str | None:
    corporation = corporations.get(about.get("ownerID", 0))
    if corporation is None or not about.get("useOperationName"):
        return corporation
    operation = operations.get(about.get("operationID", 0))
    return f"{corporation} {operation}" if operation else corporation


def _own_name(entry: dict[str, Any]) -> str | None:
    return entry_name(entry, "name") or entry_name(entry, "uniqueName")


def _position(entry: dict[str, Any]) -> Position | None:
    told = entry.get("position")
    axes: list[Any] = [told.get(axis) for axis in "xyz"] if isinstance(told, dict) else []
    if len(axes) != 3 or not all(type(one) in (int, float) and math.isfinite(one) for one in axes):
        return None
    x, y, z = map(float, axes)
    return x, y, z
