"""A small static data export in the form of CCP's, written from plain dicts."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

Entries = dict[str, list[dict[str, Any]]]


def en(name: str) -> dict[str, str]:
    """A name as the export has it, in more than one language."""
    return {"en": name, "de": f"{name} (de)"}


def small_export() -> Entries:
    """Jita, a system of each kind of space, and what a Rifter is. With fields we do not read."""
    return {
        "_sde": [{"_key": "sde", "buildNumber": 3494416, "releaseDate": "2026-09-01T11:00:00Z"}],
        "categories": [
            {"_key": 6, "name": en("Ship"), "published": True},
            {"_key": 7, "name": en("Module"), "published": True},
        ],
        "groups": [
            {"_key": 25, "categoryID": 6, "name": en("Frigate"), "anchorable": False},
            {"_key": 55, "categoryID": 7, "name": en("Projectile Weapon")},
        ],
        "types": [
            {"_key": 0, "groupID": 0, "name": en("#System")},
            {"_key": 587, "groupID": 25, "name": en("Rifter"), "description": en("A frigate."), "volume": 27289.0},
            {"_key": 2_500_000_587, "groupID": 25, "name": en("A type beyond 31 bits")},
            {"_key": 4711, "groupID": 25},
        ],
        "mapRegions": [
            {"_key": 10000002, "name": en("The Forge"), "wormholeClassID": 7},
            {"_key": 11000004, "name": en("B-R00004"), "wormholeClassID": 2},
            {"_key": 11000033, "name": en("K-R00033"), "wormholeClassID": 1},
        ],
        "mapConstellations": [
            {"_key": 20000020, "name": en("Kimotoro"), "regionID": 10000002},
            {"_key": 21000023, "name": en("B-C00023"), "regionID": 11000004},
            {"_key": 21000334, "name": en("K-C00334"), "regionID": 11000033},
        ],
        "mapSolarSystems": [
            {"_key": 30000142, "name": en("Jita"), "securityStatus": 0.945913, "constellationID": 20000020},
            {"_key": 31000383, "name": en("J211036"), "securityStatus": -0.99, "constellationID": 21000023},
            {
                "_key": 31000005,
                "name": en("Thera"),
                "securityStatus": -0.99,
                "constellationID": 21000334,
                "wormholeClassID": 12,
            },
        ],
        "factions": [{"_key": 500001, "name": en("Caldari State")}],
        "npcCorporations": [{"_key": 1000125, "name": en("CONCORD"), "tickerName": "CONCO"}],
    }


def write_directory(entries: Entries, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, lines in entries.items():
        (directory / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return directory


def write_zip(entries: Entries, path: Path, *, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in entries.items():
            archive.writestr(f"{inside}{name}.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    return path
