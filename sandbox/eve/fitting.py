"""What a lost ship carried: modules by slot with their charges, drones, cargo, containers, implants.

Flags are EVE's inventory flags: 11-18 low slots, 19-26 medium, 27-34 high, 92-99 rigs, 125-128 subsystems,
5 cargo, 87 drone bay, 89 implants, 158 fighter bay, 164-171 structure services.
"""

from __future__ import annotations

import random
from typing import Any

from sandbox.eve import catalogue
from sandbox.eve.fits import CARRIERS, Fit

Item = dict[str, Any]

CAPSULES = (670, 670, 670, 33328)
STRUCTURES = (35832, 35832, 35833)
DEPLOYABLES = (33474, 33475, 2233, 12235, 12200)
SHUTTLE_SIZED_NPCS = (11026, 11037, 11045, 11911, 16884)

_LOW, _MEDIUM, _HIGH, _RIG, _SUBSYSTEM = 11, 19, 27, 92, 125
_CARGO, _DRONE_BAY, _IMPLANTS, _FIGHTER_BAY, _SERVICES = 5, 87, 89, 158, 164
_BLUEPRINT_COPY = 2
"""The `singleton` of a blueprint copy; an original, and all else in a killmail, has 0."""


SUBSYSTEMS = {
    29986: (45586, 45598, 45611, 45622),
    29990: (45595, 45608, 45619, 45632),
}
"""Of the strategic cruisers."""
_VOLUMES = {
    34: 0.01, 35: 0.01, 36: 0.01, 16273: 0.4, 16274: 0.15, 28668: 0.01, 12530: 0.1, 12543: 0.1, 56636: 5.0, 2048: 5.0,
    3244: 5.0, 448: 5.0,
}  # fmt: skip
"""Cubic metres of one of what haulers carry."""
_CARGO_TYPES = tuple(_VOLUMES)
_LOOSE_GOODS = frozenset({34, 35, 36, 16273, 16274})
"""Ore and fuel fill a hold; of all else a hauler carries some."""
_HOLDS = {650: 8_200.0, 655: 530.0, 17480: 340.0, 17478: 390.0, 20183: 435_000.0, 20185: 780_000.0, 32880: 50.0}
"""Cubic metres of the haulers' holds, as they are fitted."""
_IMPLANT_TYPES = (10212, 10216, 13284, 13285)
_LARGE_ENOUGH = 1_000.0
"""Cubic metres, for a container of which the others leave room."""
_SINGLE_CHARGES = frozenset({86, 374, 375, 907, 910})
"""Groups of crystals and scripts."""
TYPES = catalogue.types()
_CONTAINERS = (3467, 11489, 3293, 3296)
_BLUEPRINTS = (24701, 687)
_SERVICE_MODULES = (35894, 35922, 35940)


class Fitting:
    """Draws the items of one wreck from its dice."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def ship(self, fit: Fit) -> list[Item]:
        """Slots with their charges, rigs, subsystems, drones, and what is left in the hold."""
        dice, items = self.dice, []
        for first, rack in ((_HIGH, fit.high), (_MEDIUM, fit.medium), (_LOW, fit.low), (_RIG, fit.rigs)):
            for slot, module in enumerate(rack):
                items.append(self.stack(module.type_id, first + slot, 1))
                if module.charge is not None and dice.random() < 0.8:
                    items.append(self.stack(module.charge, first + slot, self._loaded(module.charge)))
        items += [self.stack(one, _SUBSYSTEM + slot, 1) for slot, one in enumerate(SUBSYSTEMS.get(fit.hull, ()))]
        bay = _FIGHTER_BAY if fit in CARRIERS else _DRONE_BAY
        for drone, many in fit.drones:
            items += self.split(drone, bay, dice.randint((many + 1) // 2, many))
        for supply, many in fit.hold:
            items += self.split(supply, _CARGO, dice.randint((many + 1) // 2, many))
        return items

    def _loaded(self, charge: int) -> int:
        """A crystal or a script is one; of bullets and missiles some are left."""
        return 1 if TYPES[charge].group_id in _SINGLE_CHARGES else self.dice.randint(1, 40)

    def hold(self, fit: Fit) -> list[Item]:
        """A hauler's cargo, as much as it can hold: loose goods, containers with goods inside, blueprint copies."""
        dice, items = self.dice, []
        room = _HOLDS[fit.hull] * dice.uniform(0.3, 1)
        share = room / (kinds := dice.randint(2, 10))
        for goods in dice.sample(_CARGO_TYPES, kinds):
            if many := self._fitting_into(goods, share):
                items += self.split(goods, _CARGO, many)
        for _ in range(dice.randint(0, 2) if room > _LARGE_ENOUGH else 0):
            # What was in a container shares the container's fate, item by item.
            inside = [
                self.stack(goods, 0, max(1, self._fitting_into(goods, 100)))
                for goods in dice.sample(_CARGO_TYPES, dice.randint(1, 6))
            ]
            items.append({**self.stack(dice.choice(_CONTAINERS), _CARGO, 1), "items": inside})
        for _ in range(dice.randint(0, 2)):
            copy = self.stack(dice.choice(_BLUEPRINTS), _CARGO, dice.randint(1, 3))
            items.append({**copy, "singleton": _BLUEPRINT_COPY})
        return items

    def _fitting_into(self, goods: int, room: float) -> int:
        """How many of these are in so many cubic metres; of what is not loose a dozen at most."""
        many = int(room / _VOLUMES[goods])
        return many if goods in _LOOSE_GOODS else min(many, 1 + self.dice.randint(0, 11))

    def capsule(self) -> list[Item]:
        """Implants, or nothing; they never drop."""
        lost = [one for one in _IMPLANT_TYPES if self.dice.random() < 0.35]
        return [{"flag": _IMPLANTS, "item_type_id": one, "quantity_destroyed": 1, "singleton": 0} for one in lost]

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
