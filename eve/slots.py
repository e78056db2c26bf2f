"""Where on its ship an item was, in a word.

The numbers are the inventory flags of EVE's static data (table `invFlags`); the names of the holds follow
the `location_flag` values of ESI's asset routes.
"""

from __future__ import annotations

_RANGES = (
    ("CARGO", 5, 5),
    ("LOW", 11, 18),
    ("MID", 19, 26),
    ("HIGH", 27, 34),
    ("DRONE_BAY", 87, 87),
    ("IMPLANT", 89, 89),
    ("SPECIAL_HOLD", 90, 90),  # ship maintenance bay
    ("RIG", 92, 99),
    ("SUBSYSTEM", 125, 132),
    ("SPECIAL_HOLD", 133, 143),  # fuel, ore, gas, minerals, salvage, ships, ammunition
    ("SPECIAL_HOLD", 148, 149),  # command centres, planetary commodities
    ("SPECIAL_HOLD", 151, 151),  # materials
    ("SPECIAL_HOLD", 154, 154),  # Quafe
    ("FLEET_HANGAR", 155, 155),
    ("FIGHTER_BAY", 158, 158),
    ("FIGHTER_TUBE", 159, 163),
    ("SERVICE", 164, 171),
    ("SPECIAL_HOLD", 172, 172),  # a structure's fuel
    ("SPECIAL_HOLD", 174, 177),  # crate loot, corpses, boosters, subsystems
    ("FRIGATE_BAY", 179, 179),
    ("SPECIAL_HOLD", 180, 183),  # a structure's quantum core, ice, asteroids, mobile depot
    ("SPECIAL_HOLD", 185, 186),  # infrastructure, moon materials
    ("SPECIAL_HOLD", 188, 188),  # expedition
)
_NAMES = {flag: name for name, first, last in _RANGES for flag in range(first, last + 1)}


def slot_name(flag: int) -> str:
    """HIGH, MID, LOW, RIG, SUBSYSTEM, DRONE_BAY, CARGO, IMPLANT, FLEET_HANGAR, FIGHTER_BAY, FIGHTER_TUBE, SERVICE,
    FRIGATE_BAY or SPECIAL_HOLD; OTHER for any flag else, and for what lies in a container (flag 0)."""
    return _NAMES.get(flag, "OTHER")
