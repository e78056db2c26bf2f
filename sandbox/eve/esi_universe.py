"""ESI's lookups: names, affiliations, characters, corporations, alliances, types, places, prices, status."""

from __future__ import annotations

import random
from typing import Any

from sandbox.eve.answers import Answer, json_answer, refusal
from sandbox.eve.budgets import Limit
from sandbox.eve.clock import iso
from sandbox.eve.market import price
from sandbox.eve.routing import Asked, Route

HOUR, DAY = 3_600, 86_400
ROLES_SCOPE = "esi-characters.read_corporation_roles.v1"
STATIC_REFRESH = 11 * HOUR + 5 * 60
"""Static data expires daily at 11:05 UTC."""
JITA_STATION = 60_003_760


def names(asked: Asked) -> Answer:
    """All or nothing: one unknown id refuses the whole batch."""
    found = [(one, asked.world.universe.named(one)) for one in asked.ids()]
    if any(named is None for _, named in found):
        raise refusal(404, "Ensure all IDs are valid before resolving.")
    return json_answer(
        [{"category": named[0], "id": one, "name": named[1]} for one, named in found if named], asked.now
    )


def affiliation(asked: Asked) -> Answer:
    """Where characters are now; all must exist."""
    rows = []
    for character_id in asked.ids():
        row = _affiliation(asked, character_id)
        if row is None:
            raise refusal(404, "Ensure all character IDs are valid.")
        rows.append(row)
    return json_answer(rows, asked.now)


def character(asked: Asked) -> Answer:
    character_id = asked.number("character_id")
    affiliated, known = _affiliation(asked, character_id), asked.world.universe.characters.get(character_id)
    if affiliated is None or known is None:
        raise refusal(404, "Character not found")
    dice = random.Random(f"character {character_id}")
    about = {
        "achievement_score": dice.randint(0, 4_000),
        "birthday": iso(1_100_000_000 + dice.random() * 600_000_000),
        "bloodline_id": dice.randint(1, 14),
        "description": "",
        "gender": dice.choice(("male", "female")),
        "name": known.name,
        "race_id": dice.choice((1, 2, 4, 8)),
        "security_status": known.security_status,
    }
    affiliated.pop("character_id")
    return json_answer({**about, **affiliated}, asked.now, DAY)


def roles(asked: Asked) -> Answer:
    """The roles of the token's own character."""
    character_id = asked.number("character_id")
    if asked.caller.require(ROLES_SCOPE) != character_id:
        raise refusal(403, "Token is not valid for this character")
    pilot = asked.world.roster.get(character_id)
    held = ["Director"] if pilot and pilot.director else []
    return json_answer({"roles": held, "roles_at_base": [], "roles_at_hq": [], "roles_at_other": []}, asked.now, HOUR)


def corporation(asked: Asked) -> Answer:
    found = asked.world.universe.corporations.get(asked.number("corporation_id"))
    if found is None:
        raise refusal(404, "Corporation not found")
    npc = found.ceo_id is None
    about: dict[str, Any] = {
        "ceo_id": found.ceo_id or 1,
        "creator_id": found.ceo_id or 1,
        "date_founded": iso(1_300_000_000),
        "description": "",
        "friendly_fire": "legal",
        "home_station_id": JITA_STATION,
        "member_count": sum(
            one.corporation_id == found.corporation_id for one in asked.world.universe.characters.values()
        ),
        "name": found.name,
        "shares": 1_000,
        "state": "active",
        "tax_rates": {"isk": 11.0 if npc else 5.0, "loyalty_point": 0.0},
        "ticker": found.ticker,
        "type": "npc_owned" if npc else "player_owned",
        "war_eligible": not npc,
    }
    if found.alliance_id:
        about["alliance_id"] = found.alliance_id
    return json_answer(about, asked.now, HOUR)


def alliance(asked: Asked) -> Answer:
    found = asked.world.universe.alliances.get(asked.number("alliance_id"))
    if found is None:
        raise refusal(404, "Alliance not found")
    founder = asked.world.universe.corporations.get(found.executor_corporation_id)
    about = {
        "creator_corporation_id": found.executor_corporation_id,
        "creator_id": founder.ceo_id if founder and founder.ceo_id else 1,
        "date_founded": iso(1_310_000_000),
        "executor_corporation_id": found.executor_corporation_id,
        "name": found.name,
        "ticker": found.ticker,
    }
    return json_answer(about, asked.now, HOUR)


def prices(asked: Asked) -> Answer:
    """A price for every type that can be sold; some have no average."""
    listed = []
    for type_id, one in sorted(asked.world.universe.types.items()):
        adjusted, average = price(one)
        row = {"type_id": type_id, "adjusted_price": adjusted}
        listed.append(row if average is None else {**row, "average_price": average})
    return json_answer(listed, asked.now, HOUR)


def status(asked: Asked) -> Answer:
    since_downtime = (asked.now - 11 * HOUR) % DAY
    about = {
        "players": 21_000 + int(asked.now) // 60 % 4_000,
        "server_version": "3142001",
        "start_time": iso(asked.now - since_downtime + 120),
    }
    return json_answer(about, asked.now, 30)


def solar_system(asked: Asked) -> Answer:
    found = asked.world.universe.solar_systems.get(asked.number("system_id"))
    if found is None:
        raise refusal(404, "Solar system not found")
    return _static(
        asked,
        {
            "constellation_id": found.constellation_id,
            "name": found.name,
            "position": _somewhere(found.solar_system_id),
            "security_status": found.security_status,
            "system_id": found.solar_system_id,
        },
    )


def constellation(asked: Asked) -> Answer:
    universe = asked.world.universe
    found = universe.constellations.get(asked.number("constellation_id"))
    if found is None:
        raise refusal(404, "Constellation not found")
    systems = universe.solar_systems.values()
    return _static(
        asked,
        {
            "constellation_id": found.constellation_id,
            "name": found.name,
            "position": _somewhere(found.constellation_id),
            "region_id": found.region_id,
            "systems": [one.solar_system_id for one in systems if one.constellation_id == found.constellation_id],
        },
    )


def region(asked: Asked) -> Answer:
    universe = asked.world.universe
    region_id = asked.number("region_id")
    if region_id not in universe.regions:
        raise refusal(404, "Region not found")
    inside = [one.constellation_id for one in universe.constellations.values() if one.region_id == region_id]
    return _static(asked, {"constellations": inside, "name": universe.regions[region_id], "region_id": region_id})


def eve_type(asked: Asked) -> Answer:
    found = asked.world.universe.types.get(asked.number("type_id"))
    if found is None:
        raise refusal(404, "Type not found")
    return _static(
        asked,
        {
            "description": "",
            "group_id": found.group_id,
            "name": found.name,
            "published": True,
            "type_id": found.type_id,
        },
    )


def group(asked: Asked) -> Answer:
    universe = asked.world.universe
    found = universe.groups.get(asked.number("group_id"))
    if found is None:
        raise refusal(404, "Group not found")
    return _static(
        asked,
        {
            "category_id": found.category_id,
            "group_id": found.group_id,
            "name": found.name,
            "published": True,
            "types": [one.type_id for one in universe.types.values() if one.group_id == found.group_id],
        },
    )


def category(asked: Asked) -> Answer:
    universe = asked.world.universe
    category_id = asked.number("category_id")
    if category_id not in universe.categories:
        raise refusal(404, "Category not found")
    return _static(
        asked,
        {
            "category_id": category_id,
            "groups": [one.group_id for one in universe.groups.values() if one.category_id == category_id],
            "name": universe.categories[category_id],
            "published": True,
        },
    )


def _static(asked: Asked, value: dict[str, Any]) -> Answer:
    return json_answer(value, asked.now, (STATIC_REFRESH - asked.now) % DAY or DAY)


def _somewhere(entity_id: int) -> dict[str, float]:
    dice = random.Random(f"position {entity_id}")
    return {axis: dice.uniform(-1, 1) * 10**17 for axis in "xyz"}


def _affiliation(asked: Asked, character_id: int) -> dict[str, int] | None:
    known = asked.world.universe.characters.get(character_id)
    if known is None:
        return None
    found = asked.world.universe.corporations.get(known.corporation_id)
    row = {"character_id": character_id, "corporation_id": known.corporation_id}
    if found and found.alliance_id:
        row["alliance_id"] = found.alliance_id
    if known.faction_id:
        row["faction_id"] = known.faction_id
    return row


ROUTES = (
    Route("POST", "/universe/names", names),
    Route("POST", "/characters/affiliation", affiliation),
    Route("GET", "/characters/{character_id}", character),
    Route("GET", "/characters/{character_id}/roles", roles, Limit("char-detail", 600), authenticated=True),
    Route("GET", "/corporations/{corporation_id}", corporation),
    Route("GET", "/alliances/{alliance_id}", alliance),
    Route("GET", "/universe/types/{type_id}", eve_type),
    Route("GET", "/universe/groups/{group_id}", group),
    Route("GET", "/universe/categories/{category_id}", category),
    Route("GET", "/universe/systems/{system_id}", solar_system),
    Route("GET", "/universe/constellations/{constellation_id}", constellation),
    Route("GET", "/universe/regions/{region_id}", region),
    Route("GET", "/markets/prices", prices),
    Route("GET", "/status", status, Limit("status", 600)),
)
