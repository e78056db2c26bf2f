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
_HOLDS = {
    0: "Slot not known",
    5: "Cargo hold",
    87: "Drone bay",
    90: "Ship maintenance bay",
    133: "Fuel bay",
    134: "Mining hold",
    135: "Gas hold",
    136: "Mineral hold",
    137: "Salvage hold",
    138: "Ship hold",
    139: "Small ship hold",
    140: "Medium ship hold",
    141: "Large ship hold",
    142: "Industrial ship hold",
    143: "Ammunition hold",
    148: "Command centre hold",
    149: "Planetary commodities hold",
    151: "Material bay",
    154: "Quafe bay",
    155: "Fleet hangar",
    158: "Fighter bay",
    172: "Structure fuel bay",
    174: "Crate hold",
    175: "Corpse bay",
    176: "Booster bay",
    177: "Subsystem bay",
    179: "Frigate escape bay",
    180: "Quantum core room",
    181: "Ice hold",
    182: "Asteroid hold",
    183: "Mobile depot hold",
    185: "Infrastructure hold",
    186: "Moon material hold",
    188: "Expedition hold",
}
_NAMES = {flag: name for name, first, last in _RANGES for flag in range(first, last + 1)}


def slot_name(flag: int) -> str:
    """HIGH, MID, LOW, RIG, SUBSYSTEM, DRONE_BAY, CARGO, IMPLANT, FLEET_HANGAR, FIGHTER_BAY, FIGHTER_TUBE, SERVICE,
    FRIGATE_BAY or SPECIAL_HOLD; OTHER for any flag else, and for what lies in a container (flag 0)."""
    return _NAMES.get(flag, "OTHER")


def hold_name(flag: int) -> str:
    """A hold as pilots call it: Fuel bay, Ship maintenance bay, …; Other hold for a flag that nobody has a word for."""
    return _HOLDS.get(flag, "Other hold")
