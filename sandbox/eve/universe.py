"""Everything with an id and a name: people, types, places; what ESI's lookups answer from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from sandbox.eve import catalogue, places
from sandbox.eve.catalogue import EveType, Group
from sandbox.eve.people import Alliance, Character, Corporation, People, made_up_name
from sandbox.eve.places import Constellation, SolarSystem


@dataclass
class Universe:
    """Grows while it runs: real killmails bring people of their own."""

    people: People
    characters: dict[int, Character]
    corporations: dict[int, Corporation]
    alliances: dict[int, Alliance]
    types: dict[int, EveType]
    groups: dict[int, Group]
    categories: dict[int, str]
    solar_systems: dict[int, SolarSystem]
    constellations: dict[int, Constellation]
    regions: dict[int, str]
    factions: dict[int, str] = field(default_factory=lambda: dict(places.FACTIONS))

    def named(self, entity_id: int) -> tuple[str, str] | None:
        """Category and name as `/universe/names` gives them, or None for an unknown id."""
        for category, kind in (
            ("character", self.characters),
            ("corporation", self.corporations),
            ("alliance", self.alliances),
            ("inventory_type", self.types),
            ("solar_system", self.solar_systems),
            ("constellation", self.constellations),
        ):
            if (entity := kind.get(entity_id)) is not None:
                return category, entity.name
        for category, names in (("region", self.regions), ("faction", self.factions)):
            if entity_id in names:
                return category, names[entity_id]
        return None

    def welcome(self, body: Mapping[str, Any]) -> None:
        """Let everything that a real killmail mentions have a name; what has none gets a made-up one."""
        for side in (body["victim"], *body["attackers"]):
            corporation_id, alliance_id = side.get("corporation_id"), side.get("alliance_id")
            if alliance_id and alliance_id not in self.alliances:
                self.alliances[alliance_id] = Alliance(
                    alliance_id, f"Alliance {alliance_id}", "A...", corporation_id or 0
                )
            if corporation_id and corporation_id not in (*self.corporations, *self.factions):
                self.corporations[corporation_id] = Corporation(
                    corporation_id, f"Corporation {corporation_id}", "C...", alliance_id, side.get("character_id")
                )
            if (character_id := side.get("character_id")) and character_id not in self.characters:
                self.characters[character_id] = Character(
                    character_id,
                    made_up_name(character_id),
                    corporation_id or 1_000_001,
                    side.get("security_status", 0.0),
                    side.get("faction_id"),
                )
            self._welcome_types(side.get("ship_type_id"), side.get("weapon_type_id"))
        for item in body["victim"].get("items", ()):
            self._welcome_types(item["item_type_id"], *(inner["item_type_id"] for inner in item.get("items", ())))
        system_id = body["solar_system_id"]
        if system_id not in self.solar_systems:
            nowhere = next(iter(self.constellations))
            self.solar_systems[system_id] = SolarSystem(system_id, f"System {system_id}", 0.0, nowhere)

    def _welcome_types(self, *type_ids: int | None) -> None:
        for type_id in type_ids:
            if type_id is not None and type_id not in self.types:
                self.types[type_id] = EveType(type_id, 0, f"Type {type_id}")


def universe(made: People, static_data: Path | None) -> Universe:
    """The universe of these people, with the names of a static data slice where there is one."""
    everybody = {character.character_id: character for character in (*made.pilots, *made.strangers)}
    result = Universe(
        made,
        everybody,
        dict(made.corporations),
        dict(made.alliances),
        catalogue.types(),
        {**catalogue.groups(), 0: Group(0, 0, "#System")},
        {**catalogue.categories(), 0: "#System"},
        places.solar_systems(),
        places.constellations(),
        places.regions(),
    )
    if static_data is not None and static_data.is_file():
        _extend(result, _slice(static_data))
    return result


@lru_cache(maxsize=2)
def _slice(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(path.read_bytes())
    return read


def _extend(result: Universe, data: Mapping[str, Any]) -> None:
    for key, row in data["types"].items():
        result.types[int(key)] = EveType(int(key), row["group_id"], row["name"])
    for key, row in data["groups"].items():
        result.groups[int(key)] = Group(int(key), row["category_id"], row["name"])
        result.categories.setdefault(row["category_id"], f"Category {row['category_id']}")
    for key, row in data["systems"].items():
        result.solar_systems[int(key)] = SolarSystem(int(key), row["name"], row["security"], row["constellation_id"])
    for key, row in data["constellations"].items():
        result.constellations[int(key)] = Constellation(int(key), row["name"], row["region_id"])
    for key, row in data["regions"].items():
        result.regions[int(key)] = row["name"]
