"""The answers of the main routes hold what ESI's own OpenAPI document requires of them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest

from sandbox.eve.budgets import Limit
from sandbox.eve.esi_killmails import FITTINGS_SCOPE
from sandbox.eve.esi_killmails import ROUTES as KILLMAIL_ROUTES
from sandbox.eve.esi_universe import ROUTES as UNIVERSE_ROUTES
from sandbox.eve.routing import Route
from tests.paths import SHARED_DATA
from tests.sandbox.caller import CORPORATION_SCOPE, KILLMAIL_SCOPE, Caller

DOCUMENT = SHARED_DATA / "esi-openapi-2026-07-21.json"
ROLES_SCOPE = "esi-characters.read_corporation_roles.v1"
ROUTES = (*KILLMAIL_ROUTES, *UNIVERSE_ROUTES)
FITTING = {
    "name": "A fit",
    "description": "",
    "ship_type_id": 587,
    "items": [{"type_id": 2488, "flag": "HiSlot0", "quantity": 1}],
}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
}

pytestmark = pytest.mark.skipif(
    not DOCUMENT.is_file(), reason="left out: ESI's OpenAPI document of shared/data is not on this machine"
)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return read


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def violations(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    schema = resolved(schema)
    types = _PYTHON_TYPES.get(schema.get("type", ""), (object,))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types and object not in types):
        return [f"{where} is {type(value).__name__}, not {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is {value!r}, not one of {schema['enum']}"]
    if isinstance(value, list):
        found = [violations(one, schema["items"], f"{where}[{number}]") for number, one in enumerate(value)]
        return [one for several in found for one in several]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        missing = [f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value]
        unknown = [f"{where}.{name} is unknown" for name in value if properties and name not in properties]
        inner = [
            one
            for name, part in value.items()
            if name in properties
            for one in violations(part, properties[name], f"{where}.{name}")
        ]
        return missing + unknown + inner
    return []


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"][route.template][route.method.lower()]
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.template)
async def test_an_answer_conforms(caller: Caller, route: Route) -> None:
    eve = caller.eve
    pilot = eve.pilots[0]
    body = eve.references(pilot.character_id)[0]
    path = route.template.format(
        character_id=pilot.character_id,
        corporation_id=pilot.corporation_id,
        alliance_id=pilot.alliance_id,
        killmail_id=body.killmail_id,
        killmail_hash=body.killmail_hash,
        type_id=587,
        group_id=25,
        category_id=6,
        system_id=30000142,
        constellation_id=20000020,
        region_id=10000002,
    )
    token = eve.access_token(pilot.character_id, KILLMAIL_SCOPE, CORPORATION_SCOPE, ROLES_SCOPE, FITTINGS_SCOPE)
    sent = FITTING if route.template.endswith("/fittings") else [pilot.character_id]
    answer = await caller.ask(route.method, path, token, **({"json": sent} if route.method == "POST" else {}))
    (success,) = (status for status in operation(route)["responses"] if status.startswith("2"))
    assert answer.status == int(success), answer.text
    described = operation(route)["responses"][success]
    assert violations(answer.json, described["content"]["application/json"]["schema"]) == []
    if route.method == "GET":
        missing = [name for name in described.get("headers", {}) if name not in answer.headers]
        assert set(missing) <= {"Content-Language"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.template)
def test_a_limit_is_the_documents(route: Route) -> None:
    limit = operation(route).get("x-rate-limit")
    expected = Limit(limit["group"], limit["max-tokens"], 60 * int(limit["window-size"].rstrip("m"))) if limit else None
    assert route.limit == expected


async def test_every_made_up_body_conforms(caller: Caller) -> None:
    described = document()["paths"]["/killmails/{killmail_id}/{killmail_hash}"]["get"]["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]
    for reference in caller.eve.references(caller.eve.pilots[0].character_id):
        assert violations(caller.eve.killmail(reference.killmail_id), schema) == []
