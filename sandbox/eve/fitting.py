"""What a lost ship carried: modules by slot with their charges, drones, cargo, containers, implants.

Flags are EVE's inventory flags: 11-18 low slots, 19-26 medium, 27-34 high, 92-99 rigs, 125-128 subsystems,
5 cargo, 87 drone bay, 89 implants, 158 fighter bay, 164-171 structure services.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]

CAPSULES = (670, 670, 670, 33328)
STRUCTURES = (35832, 35832, 35833)
DEPLOYABLES = (33474, 33475, 2233, 12235, 12200)
SHUTTLE_SIZED_NPCS = (11026, 11037, 11045, 11911, 16884)

_LOW, _MEDIUM, _HIGH, _RIG, _SUBSYSTEM = 11, 19, 27, 92, 125
_CARGO, _DRONE_BAY, _IMPLANTS, _FIGHTER_BAY, _SERVICES = 5, 87, 89, 158, 164
_BLUEPRINT_COPY = 2
"""The `singleton` of a blueprint copy; an original, and all else in a killmail, has 0."""


@dataclass(frozen=True, slots=True)
class HullClass:
    """Ships of one size, what is fitted to them, and the damage they take before they die."""

    hulls: tuple[int, ...]
    weapons: tuple[tuple[int, int], ...]
    """Weapon and its charge."""
    medium: tuple[int, ...]
    low: tuple[int, ...]
    rigs: tuple[int, ...]
    drones: tuple[int, ...]
    damage: tuple[int, int]


FRIGATES = HullClass(
    (587, 603, 597, 17932, 17930, 33468, 17812, 11365, 11379, 12044, 22456, 22464, 11176, 11198, 11200, 16242, 16240),
    ((2881, 21898), (2889, 21898), (3178, 222), (2404, 210), (3041, 246)),
    (438, 448, 3244, 527, 380),
    (2048, 519, 2046),
    (31788, 31105),
    (2488, 2203),
    (900, 9_000),
)
CRUISERS = HullClass(
    (621, 622, 626, 629, 2006, 17715, 17843, 33470, 11993, 12005, 12015),
    ((2897, 21896), (3146, 230), (2410, 209), (3520, 254), (2410, 2629)),
    (12058, 12076, 3831, 3841, 448, 3244, 2281),
    (2048, 519, 22291),
    (31790, 31055, 31119),
    (2185, 2456, 2488),
    (9_000, 45_000),
)
BATTLESHIPS = HullClass(
    (24698, 24702, 16227, 16229, 24696, 638, 639, 641, 645, 24690, 24692, 24694, 17738, 22444),
    ((2913, 21896), (2929, 21894), (3186, 238), (3057, 262), (2420, 267), (3082, 230)),
    (12068, 12084, 3841, 2281, 2301, 527, 3244),
    (2048, 519, 22291, 10190),
    (26088, 25894, 31790),
    (2185, 2456, 23561),
    (35_000, 190_000),
)
STRATEGIC_CRUISERS = HullClass(
    (29986, 29990), CRUISERS.weapons, CRUISERS.medium, CRUISERS.low, CRUISERS.rigs, CRUISERS.drones, (40_000, 120_000)
)
HAULERS = HullClass((17478, 17480, 655, 650, 20183, 20185, 32880), (), (380, 3831), (2046, 2048), (31119,), (2203,),
                    (2_500, 320_000))  # fmt: skip
CARRIERS = HullClass((23911, 23915), (), (12068, 3841, 2281), (2048, 519), (26088, 25894), (), (1_500_000, 4_000_000))
COMBAT = (FRIGATES, FRIGATES, FRIGATES, CRUISERS, CRUISERS, BATTLESHIPS)
_SUBSYSTEMS = {
    29986: (45586, 45598, 45611, 45622),
    29990: (45595, 45608, 45619, 45632),
}
_CARGO_TYPES = (34, 35, 36, 28668, 16273, 16274, 12530, 12543, 56636, 2048, 3244, 448)
_LOOSE_GOODS = frozenset({34, 35, 36, 16273, 16274})
"""Ore and fuel fill a hold; of all else a hauler carries some."""
_CRYSTALS = frozenset({246, 254, 262})
_FIGHTERS = (23055, 23057, 23061)
_IMPLANT_TYPES = (10212, 10216, 13284, 13285)
_CONTAINERS = (3467, 11489, 3293, 3296)
_BLUEPRINTS = (24701, 687)
_SERVICE_MODULES = (35894, 35922, 35940)


def _of_these(type_id: int, many: int) -> int:
    return many if type_id in _LOOSE_GOODS else 1 + many % 12


class Fitting:
    """Draws the items of one wreck from its dice."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def ship(self, hull_class: HullClass, hull: int) -> list[Item]:
        """Slots, rigs, drones, a little cargo."""
        dice, items = self.dice, []
        if hull_class.weapons:
            weapon, charge = dice.choice(hull_class.weapons)
            for flag in range(_HIGH, _HIGH + dice.randint(2, 6)):
                items.append(self.stack(weapon, flag, 1))
                if dice.random() < 0.8:
                    loaded = dice.randint(1, 120)
                    items.append(self.stack(charge, flag, 1 if charge in _CRYSTALS else loaded))
        for first, modules, most in ((_MEDIUM, hull_class.medium, 5), (_LOW, hull_class.low, 5)):
            items += [self.stack(dice.choice(modules), first + slot, 1) for slot in range(dice.randint(1, most))]
        items += [self.stack(dice.choice(hull_class.rigs), _RIG + slot, 1) for slot in range(dice.randint(0, 3))]
        items += [self.stack(one, _SUBSYSTEM + slot, 1) for slot, one in enumerate(_SUBSYSTEMS.get(hull, ()))]
        if hull_class.drones and dice.random() < 0.7:
            items += self.split(dice.choice(hull_class.drones), _DRONE_BAY, dice.randint(2, 10))
        if hull_class is CARRIERS:
            items += self.split(dice.choice(_FIGHTERS), _FIGHTER_BAY, dice.randint(6, 24))
        if hull_class.weapons and dice.random() < 0.7:
            spare = dice.randint(100, 4_000)
            items += self.split(charge, _CARGO, 1 + spare % 8 if charge in _CRYSTALS else spare)
        if dice.random() < 0.25:
            items.append(self.stack(28668, _CARGO, dice.randint(5, 120)))
        return items

    def hold(self) -> list[Item]:
        """A hauler's cargo: loose goods, containers with goods inside, blueprint copies."""
        dice = self.dice
        items: list[Item] = []
        for _ in range(dice.randint(2, 10)):
            items += self.split(goods := dice.choice(_CARGO_TYPES), _CARGO, _of_these(goods, dice.randint(1, 60_000)))
        for _ in range(dice.randint(0, 2)):
            # What was in a container shares the container's fate, item by item.
            inside = [
                self.stack(goods := dice.choice(_CARGO_TYPES), 0, _of_these(goods, dice.randint(1, 900)))
                for _ in range(dice.randint(1, 6))
            ]
            items.append({**self.stack(dice.choice(_CONTAINERS), _CARGO, 1), "items": inside})
        for _ in range(dice.randint(0, 2)):
            items.append(
                {**self.stack(dice.choice(_BLUEPRINTS), _CARGO, dice.randint(1, 3)), "singleton": _BLUEPRINT_COPY}
            )
        return items

    def capsule(self) -> list[Item]:
        """Implants, or nothing."""
        return [self.stack(one, _IMPLANTS, 1) for one in _IMPLANT_TYPES if self.dice.random() < 0.35]

    def structure(self) -> list[Item]:
        """Service modules; empty for some."""
        slots = range(_SERVICES, _SERVICES + self.dice.randint(0, 3))
        return [self.stack(self.dice.choice(_SERVICE_MODULES), slot, 1) for slot in slots]

    def stack(self, type_id: int, flag: int, quantity: int) -> Item:
        """One entry; destroyed or dropped, never both, as ESI lists them."""
        fate = "quantity_destroyed" if self.dice.random() < 0.5 else "quantity_dropped"
        return {"flag": flag, "item_type_id": type_id, fate: quantity, "singleton": 0}

    def split(self, type_id: int, flag: int, quantity: int) -> list[Item]:
        """A stack of which some may be destroyed and the rest dropped: then two entries of one type and flag."""
        if quantity < 2 or self.dice.random() < 0.5:
            return [self.stack(type_id, flag, quantity)]
        destroyed = self.dice.randint(1, quantity - 1)
        common = {"flag": flag, "item_type_id": type_id, "singleton": 0}
        return [
            {**common, "quantity_destroyed": destroyed},
            {**common, "quantity_dropped": quantity - destroyed},
        ]
