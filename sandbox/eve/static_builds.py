"""CCP's static data export of this universe, build by build: `latest.jsonl`, what changed, and a zip of each.

The first build is of the universe as it is when somebody first asks; more are put into `World.static_builds`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from sandbox.eve.answers import Answer, Refusal, etag_of, response
from sandbox.eve.celestials import celestials_of
from sandbox.eve.hulls import dogma
from sandbox.eve.places import solar_systems
from sandbox.eve.universe import Universe
from sandbox.eve.world import World

ROUTE = "/static-data/{path}"
FIRST_BUILD = 3_600_000
Entries = dict[str, list[dict[str, Any]]]


class StaticBuilds:
    """Its one route."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def file(self, request: web.Request) -> web.Response:
        """A file of it, or 304 for whoever has it; 403 for what is not there, as CCP's server answers."""
        path, now = request.match_info["path"], self._world.clock.now()
        builds = self._world.static_builds
        if not builds:
            add_build(builds, FIRST_BUILD, exported(self._world.universe))
        body = builds.get(path)
        if body is None:
            raise Refusal(403, "Forbidden")
        return response(Answer(body, now, etag=etag_of(body), content_type="application/octet-stream"), request, now)


def add_build(
    builds: dict[str, bytes], build: int, entries: Mapping[str, list[dict[str, Any]]], before: int = 0
) -> None:
    """Publish a build; of all files with entries it tells that they changed since `before`."""
    meta = {"_key": "sde", "buildNumber": build, "releaseDate": "2026-10-26T11:00:00Z"}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in {"_sde": [meta], **entries}.items():
            archive.writestr(f"{name}.jsonl", _lines(lines))
    builds[f"eve-online-static-data-{build}-jsonl.zip"] = packed.getvalue()
    add_changes(builds, build, before, {name: [line["_key"] for line in lines] for name, lines in entries.items()})


def add_changes(builds: dict[str, bytes], build: int, before: int, changed: Mapping[str, list[Any]]) -> None:
    """The newest build, of which only what it changed is told."""
    meta = {"buildNumber": build, "lastBuildNumber": before or build - 1, "releaseDate": "2026-10-26T11:00:00Z"}
    told = [{"_key": name, "changed": keys} for name, keys in changed.items()]
    builds[f"changes/{build}.jsonl"] = _lines([{"_key": "_meta", **meta}, *told])
    builds["latest.jsonl"] = _lines([{"_key": "sde", "buildNumber": build, "releaseDate": "2026-10-26T11:00:00Z"}])


def exported(known: Universe) -> Entries:
    """The universe as CCP would export it."""

    def named(key: int, name: str, **more: Any) -> dict[str, Any]:
        return {"_key": key, "name": {"en": name, "de": f"{name} (de)"}, **more}

    return {
        "types": [named(one.type_id, one.name, groupID=one.group_id) for one in known.types.values()],
        "typeDogma": dogma(),
        "groups": [named(one.group_id, one.name, categoryID=one.category_id) for one in known.groups.values()],
        "categories": [named(key, name) for key, name in known.categories.items()],
        "mapSolarSystems": [
            named(
                one.solar_system_id,
                one.name,
                securityStatus=one.security_status,
                constellationID=one.constellation_id,
            )
            for one in known.solar_systems.values()
        ],
        "mapConstellations": [
            named(one.constellation_id, one.name, regionID=one.region_id) for one in known.constellations.values()
        ],
        "mapRegions": [named(key, name) for key, name in known.regions.items()],
        "factions": [named(key, name) for key, name in known.factions.items()],
        # The file does not matter to whoever has a name of its own.
        "mapPlanets": [
            named(
                one.celestial_id, one.name, solarSystemID=system, position=dict(zip("xyz", one.position, strict=True))
            )
            for system in known.solar_systems.keys() & solar_systems().keys()
            for one in celestials_of(system)
        ],
    }


def _lines(entries: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(entry) + b"\n" for entry in entries)
