"""Who and what leads: the rankings of the statistics as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]
LISTS = (
    ("topShips", "Ships flown", "ship", "type"),
    ("topShipsDestroyed", "Ships destroyed", "ship", "type"),
    ("topSystems", "Solar systems", "solarSystem", "system"),
    ("topVictims", "Victims", "character", "character"),
    ("topPilots", "Pilots", "character", "character"),
)
"""Name in the statistics, title, the field of a row with whom it is about, and what that is."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One who leads. `isk`: an exact amount."""

    entity: Any
    killmails: int
    isk: str


@dataclass(frozen=True, slots=True)
class TopList:
    """A ranking. `kind`: of its entities."""

    title: str
    kind: str
    rows: list[Ranked]


def top_lists(told: Node) -> list[TopList]:
    """The rankings that hold more than one row says by itself."""
    lists = [
        TopList(title, kind, [Ranked(row[field], row["killmails"], row["isk"]) for row in told[name]])
        for name, title, field, kind in LISTS
    ]
    return [one for one in lists if one.rows]
