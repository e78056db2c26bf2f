"""How many slots a hull has and how many a subsystem adds, from CCP's static data export.

They are dogma attributes of types (EVE developer documentation, "Static data", `typeDogma.jsonl`): a hull has
`hiSlots`, `medSlots` and `lowSlots`, `rigSlots`, `maxSubSystems` and `serviceSlots`; a strategic cruiser has its first
three from its subsystems, as `hiSlotModifier`, `medSlotModifier` and `lowSlotModifier` of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from eve.static_data import Part, Row, StaticData, entry_id

RACKS = ("high", "mid", "low", "rig", "subsystem", "service")
MOST_SLOTS = 8
"""Of one rack: there are no inventory flags for more."""
_RACK_OF = {
    14: "high",
    1374: "high",
    13: "mid",
    1375: "mid",
    12: "low",
    1376: "low",
    1137: "rig",
    1367: "subsystem",
    2056: "service",
}
"""By id of the attribute."""


def slots_of(entry: dict[str, Any]) -> Row:
    """As `hull_slots` tells it, of one entry.

    Raises:
        ValueError: it tells no attributes.
    """
    slots = dict.fromkeys(RACKS, 0.0)
    attributes = entry.get("dogmaAttributes", [])
    if not isinstance(attributes, list):
        raise ValueError("dogmaAttributes is not a list")
    for attribute in attributes:
        if not isinstance(attribute, dict):
            raise ValueError("an attribute is not an object")
        if (rack := _RACK_OF.get(entry_id(attribute, "attributeID"))) is not None:
            value: Any = attribute.get("value")
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"the value of attribute {attribute['attributeID']} is not a number")
            slots[rack] += value
    return entry_id(entry, "_key"), None, *(max(0, min(MOST_SLOTS, int(slots[rack]))) for rack in RACKS)


TYPE_DOGMA = Part("typeDogma.jsonl", slots_of, required=False)


def hull_slots(static_data: StaticData, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
    """Type id, None for a name, then high, mid, low, rig, subsystem and service slots of whatever has or adds any.

    Raises:
        InvalidStaticData: a line is not JSON, or tells no attributes of a type.
    """
    return (row for row in static_data.rows(TYPE_DOGMA, on_bytes) if any(row[2:]))
