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
        "typeDogma": [
            dogma(587, {9: 350.0, 14: 3.0, 13: 3.0, 12: 4.0, 1137: 3.0, 1132: 400.0}),
            dogma(29984, {14: 0.0, 13: 0.0, 12: 0.0, 1137: 3.0, 1367: 4.0}),
            dogma(45601, {1374: 7.0, 1375: 0.0, 1376: 1.0}),
            dogma(2961, {30: 123.0}),
        ],
    }


def dogma(type_id: int, attributes: dict[int, float]) -> dict[str, Any]:
    """The attributes of a type."""
    told = [{"attributeID": key, "value": value} for key, value in attributes.items()]
    return {"_key": type_id, "dogmaAttributes": told, "dogmaEffects": [{"effectID": 12, "isDefault": False}]}


def jita_in_places() -> Entries:
    """Things of Jita, and one of Thera, as CCP's map files have them; some that cannot be named or placed."""
    jita, thera = 30000142, 31000005

    def one(key: int, at: tuple[float, float, float] | None, system: int = jita, **more: Any) -> dict[str, Any]:
        place = {} if at is None else {"position": dict(zip("xyz", at, strict=True))}
        return {"_key": key, "solarSystemID": system, "typeID": 14, "radius": 2.5, **place, **more}

    return {
        "stationOperations": [{"_key": 26, "operationName": en("Assembly Plant"), "ratio": 0.0}],
        "npcCorporations": [
            {"_key": 1000125, "name": en("CONCORD"), "tickerName": "CONCO"},
            {"_key": 1000035, "name": en("Caldari Navy"), "tickerName": "CN"},
        ],
        "mapStars": [one(40009076, None), one(40334542, None, thera)],
        "mapPlanets": [
            one(40009077, (1e10, 0, 0), celestialIndex=1, orbitID=40009076),
            one(40009080, (2e11, -1e9, 3e11), celestialIndex=4, orbitID=40009076, moonIDs=[40009081]),
            one(40009099, (3e11, 0, 3e11), celestialIndex=19, orbitID=40009076, uniqueName=en("Hope")),
            one(40009100, None, celestialIndex=5, orbitID=40009076),
        ],
        "mapMoons": [
            one(40009082, (2e11, 0, 3.1e11), celestialIndex=4, orbitIndex=4, orbitID=40009080),
            one(40009101, (3.1e11, 0, 3e11), celestialIndex=19, orbitIndex=1, orbitID=40009099),
            one(40009102, (0, 0, 1), celestialIndex=9, orbitIndex=1, orbitID=4711),
        ],
        "mapAsteroidBelts": [one(40009083, (2.1e11, 0, 3e11), celestialIndex=4, orbitIndex=2, orbitID=40009080)],
        "mapStargates": [
            one(50001248, (5e12, 0, 0), destination={"solarSystemID": thera, "stargateID": 50001249}),
            one(50001250, (5e12, 0, 0), destination={"solarSystemID": 30000001, "stargateID": 50001251}),
        ],
        "npcStations": [
            one(
                60003760, (2e11, 5e6, 3.1e11), orbitID=40009082, ownerID=1000035, operationID=26, useOperationName=True
            ),
            one(60003761, (1e10, 5e6, 0), orbitID=40009077, ownerID=1000125, operationID=26, useOperationName=False),
        ],
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
