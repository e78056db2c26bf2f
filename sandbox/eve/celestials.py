"""What lies in the sandbox's solar systems, made up and the same every time, and where in them ships are lost.

Names are put together as the game does. In the game it is the same: most are lost at stargates and stations.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from eve.celestials import Position, roman
from sandbox.eve.places import NPC_CORPORATIONS, SolarSystem, solar_systems

ASTRONOMICAL_UNIT = 149_597_870_700.0
_STATION = "Assembly Plant"
_SAFE_SPOTS = 0.08
"""The share of losses far from everything."""


class _Kind(Enum):
    """How often something is lost there, how large it is in metres, and where its ids begin."""

    STAR = 1, 4e8, 40_000_000
    PLANET = 3, 7e6, 40_000_000
    MOON = 2, 1.8e6, 40_000_000
    BELT = 2, 0.0, 40_000_000
    STARGATE = 14, 0.0, 50_000_000
    STATION = 8, 0.0, 60_000_000

    def __init__(self, weight: int, radius: float, first_id: int) -> None:
        self.weight, self.radius, self.first_id = weight, radius, first_id


@dataclass(frozen=True, slots=True)
class Celestial:
    """Something that can be flown to."""

    celestial_id: int
    name: str
    solar_system_id: int
    position: Position
    kind: _Kind


@cache
def celestials_of(solar_system_id: int) -> tuple[Celestial, ...]:
    """All of a solar system of `places`."""
    systems = solar_systems()
    system, dice = systems[solar_system_id], random.Random(f"celestials {solar_system_id}")
    first = 1_000 * list(systems).index(solar_system_id)
    return tuple(
        Celestial(kind.first_id + first + number, name, solar_system_id, position, kind)
        for number, (kind, name, position) in enumerate(_drawn(dice, system, systems))
    )


def celestial_rows() -> Iterator[tuple[int, str, int, float, float, float]]:
    """All of the sandbox, as `eve.celestials.celestials` gives those of the export."""
    for solar_system_id in solar_systems():
        for one in celestials_of(solar_system_id):
            yield one.celestial_id, one.name, solar_system_id, *one.position


def haunt(solar_system_id: int, dice: random.Random) -> Celestial:
    """Where in a solar system something is lost."""
    all_here = celestials_of(solar_system_id)
    return dice.choices(all_here, [one.kind.weight for one in all_here])[0]


def near(celestial: Celestial, dice: random.Random) -> dict[str, float]:
    """A place beside it, as a killmail has it."""
    away = celestial.kind.radius * dice.uniform(1.1, 1.6) + min(dice.expovariate(1 / 20_000) + 400, 240_000)
    if dice.random() < _SAFE_SPOTS:
        away = dice.uniform(0.3, 4) * ASTRONOMICAL_UNIT
    return dict(zip("xyz", _beside(celestial.position, away, dice), strict=True))


def _drawn(
    dice: random.Random, system: SolarSystem, systems: dict[int, SolarSystem]
) -> Iterator[tuple[_Kind, str, Position]]:
    sun: Position = (0.0, 0.0, 0.0)
    known_space = system.solar_system_id < 31_000_000
    yield _Kind.STAR, system.name, sun
    moons: list[tuple[str, Position]] = []
    for number in range(1, dice.randint(5, 10)):
        planet, name = _beside(sun, 0.4 * ASTRONOMICAL_UNIT * 1.6**number, dice), f"{system.name} {roman(number)}"
        yield _Kind.PLANET, name, planet
        for moon in range(1, dice.randint(1, 3 * number)):
            moons.append((f"{name} - Moon {moon}", _beside(planet, dice.uniform(1e8, 9e8), dice)))
            yield _Kind.MOON, *moons[-1]
        for belt in range(1, dice.randint(1, 4) if known_space else 1):
            yield _Kind.BELT, f"{name} - Asteroid Belt {belt}", _beside(planet, dice.uniform(1e9, 3e9), dice)
    if not known_space:
        return
    neighbours = [one for one in systems.values() if one is not system and one.solar_system_id < 31_000_000]
    for neighbour in dice.sample(neighbours, dice.randint(2, 5)):
        gate = _beside(sun, dice.uniform(6, 40) * ASTRONOMICAL_UNIT, dice)
        yield _Kind.STARGATE, f"Stargate ({neighbour.name})", gate
    for name, moon_at in dice.sample(moons, min(len(moons), dice.randint(1, 4) if system.security_status > 0 else 0)):
        corporation = dice.choice(sorted(NPC_CORPORATIONS.values()))
        yield _Kind.STATION, f"{name} - {corporation} {_STATION}", _beside(moon_at, dice.uniform(3e6, 9e6), dice)


def _beside(place: Position, away: float, dice: random.Random) -> Position:
    """Somewhere that far away, near the plane in which planets are."""
    angle, tilt = dice.uniform(0, 2 * math.pi), dice.uniform(-0.1, 0.1)
    x, y, z = place
    return (
        x + away * math.cos(tilt) * math.cos(angle),
        y + away * math.sin(tilt),
        z + away * math.cos(tilt) * math.sin(angle),
    )
