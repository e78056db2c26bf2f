"""What ESI tells of one thing at a time: people beyond their names, and what and where things are.

Each `Lookup` is a route and how its answer becomes a row. Only what is not told by a bulk route is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from eve.errors import MalformedBody
from eve.esi.routes import Route

Details = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """`route.template` ends in the one id. `read` takes the answer's object; raises `MalformedBody`."""

    route: Route
    read: Callable[[dict[str, Any]], Details]

    def path(self, entity_id: int) -> str:
        """Where to ask for this one."""
        return f"{self.route.template.partition('{')[0]}{entity_id}"


def _character(document: dict[str, Any]) -> Details:
    birthday = _text(document, "birthday")
    try:
        born = datetime.fromisoformat(birthday.replace("Z", "+00:00"))
    except ValueError:
        raise MalformedBody("ESI's answer has no usable birthday.") from None
    security = document.get("security_status")
    if security is not None and (type(security) not in (int, float) or not math.isfinite(security)):
        raise MalformedBody("ESI's answer has no usable security_status.")
    return born if born.tzinfo else born.replace(tzinfo=UTC), security


def _ticker(document: dict[str, Any]) -> Details:
    return (_text(document, "ticker"),)


def _type(document: dict[str, Any]) -> Details:
    return (_id(document, "group_id"),)


def _group(document: dict[str, Any]) -> Details:
    return _id(document, "category_id"), _text(document, "name")


def _name(document: dict[str, Any]) -> Details:
    return (_text(document, "name"),)


def _constellation(document: dict[str, Any]) -> Details:
    return _id(document, "region_id"), _text(document, "name")


CHARACTER = Lookup(Route("GET", "/characters/{character_id}", None), _character)
"""Birthday (UTC), security status or None."""
CORPORATION = Lookup(Route("GET", "/corporations/{corporation_id}", None), _ticker)
"""Ticker."""
ALLIANCE = Lookup(Route("GET", "/alliances/{alliance_id}", None), _ticker)
"""Ticker."""
TYPE = Lookup(Route("GET", "/universe/types/{type_id}", None), _type)
"""Group id."""
GROUP = Lookup(Route("GET", "/universe/groups/{group_id}", None), _group)
"""Category id, name."""
CATEGORY = Lookup(Route("GET", "/universe/categories/{category_id}", None), _name)
"""Name."""
CONSTELLATION = Lookup(Route("GET", "/universe/constellations/{constellation_id}", None), _constellation)
"""Region id, name."""
REGION = Lookup(Route("GET", "/universe/regions/{region_id}", None), _name)
"""Name."""


def _text(document: dict[str, Any], field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str):
        raise MalformedBody(f"ESI's answer has no usable {field}.")
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _id(document: dict[str, Any], field: str) -> int:
    value = document.get(field)
    if type(value) is not int or not 0 <= value < 2**63:
        raise MalformedBody(f"ESI's answer has no usable {field}.")
    return value
