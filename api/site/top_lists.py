"""Who and what leads: the rankings of the statistics, and the company somebody is in, as tables with pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.killmails.company import Company
from db.universe.profiles import ProfileKind

Node = Mapping[str, Any]
LISTS = (
    ("topShips", "Ships flown", "ship", "type"),
    ("topShipsDestroyed", "Ships killed", "ship", "type"),
    ("topSystems", "Favourite places", "solarSystem", "system"),
    ("topVictims", "Victims", "character", "character"),
    ("topPilots", "Pilots", "character", "character"),
)
"""Name in the statistics, title, the field of a row with whom it is about, and what that is."""
OTHERWISE: Mapping[ProfileKind, Mapping[str, str | None]] = {
    "character": {"topPilots": None},
    "corporation": {"topPilots": "Ranks"},
    "system": {"topSystems": None, "topShips": "Ships of the attackers", "topPilots": "Attackers"},
    "type": {"topShips": None},
}
"""Other titles of some lists on the page of a kind; None: it would only say whose page it is."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One who leads. `isk`: an exact amount; None where it is not told."""

    entity: Any
    killmails: int
    isk: str | None = None


@dataclass(frozen=True, slots=True)
class TopList:
    """A ranking. `kind`: of its entities. `hint`: what it counts, where that is not clear."""

    title: str
    kind: str
    rows: Sequence[Ranked]
    hint: str = ""
    numbered: bool = False


def top_lists(kind: ProfileKind, told: Node, company: Company | None) -> list[TopList]:
    """The rankings of a profile's page that have a row."""
    lists = []
    for name, usual, field, of in LISTS:
        title = OTHERWISE.get(kind, {}).get(name, usual)
        if title is not None:
            rows = [Ranked(row[field], row["killmails"], row["isk"]) for row in told[name]]
            lists.append(TopList(title, of, rows, numbered=title == "Ranks"))
    if company is not None:
        hint = f"of the newest {company.looked_at:,} killmails"
        lists += [
            TopList(title, of, [Ranked(row["entity"], row["killmails"]) for row in found], hint)
            for title, of, found in (
                ("Ships lost", "type", company.ships_lost),
                ("Flies with", kind, company.flies_with),
                ("Killed by", kind, company.killed_by),
            )
        ]
    return [one for one in lists if one.rows]
