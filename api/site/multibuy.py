"""What it takes to fly such a ship again, as the market's multibuy window takes it: a line for each type, "Name xN"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from api.site.fit import BLUEPRINT_COPY

BOUGHT = frozenset(
    ("HIGH", "MID", "LOW", "RIG", "SUBSYSTEM", "SERVICE", "DRONE_BAY", "FIGHTER_BAY", "FIGHTER_TUBE", "IMPLANT")
)
"""Slots whose content belongs to the ship. What lay in its holds was freight."""


def multibuy(killmail: Mapping[str, Any]) -> str | None:
    """The ship and what was in its slots and bays; None while something of it has no name."""
    wanted: Counter[str | None] = Counter({killmail["victim"]["ship"]["name"]: 1})
    for item in killmail["items"]:
        if item["slot"] in BOUGHT and item["singleton"] != BLUEPRINT_COPY:
            wanted[item["type"]["name"]] += (item["quantityDestroyed"] or 0) + (item["quantityDropped"] or 0)
    if None in wanted:
        return None
    return "".join(f"{name} x{quantity}\n" for name, quantity in wanted.items() if quantity)
