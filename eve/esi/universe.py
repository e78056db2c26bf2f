"""What ESI tells of one thing at a time: people beyond their names, and what and where things are.

Each `Lookup` is a route, the document it answers with, and how that becomes a row. Only what is not told by a bulk
route is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from eve.decoding import Id, check_time, decoded
from eve.esi.routes import Route

Details = tuple[Any, ...]
LONGEST_TEXT = 200
"""Characters of a name or ticker; EVE's longest have 100."""
NOBODY = frozenset([None, 0, 1])
"""CEOs that are no pilots: that of a corporation that was closed is EVE's own."""


@dataclass(frozen=True, slots=True)
class Told:
    """What ESI tells of one thing: its columns, and its name where it is a person or an organization of theirs.

    `POST /universe/names` denies ids that these routes know (esi-issues 1181, 1391).
    """

    columns: Details
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """`route.template` ends in the one id. `row` makes columns of what `document` holds.

    `category`: of the name it tells, as `POST /universe/names` would call it; None: it tells none of interest.
    """

    route: Route
    document: type[msgspec.Struct]
    row: Callable[[Any], Details]
    category: str | None = None

    def path(self, entity_id: int) -> str:
        """Where to ask for this one."""
        return f"{self.route.template.partition('{')[0]}{entity_id}"

    def read(self, body: bytes) -> Told:
        """What an answer tells; raises `Unavailable` or `MalformedBody` when it is not as agreed."""
        document = decoded(body, self.document, "ESI")
        name = getattr(document, "name", None) if self.category else None
        return Told(self.row(document), name if name is None else _text(name))


class _Character(msgspec.Struct, frozen=True):
    birthday: datetime
    security_status: float | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        check_time(self.birthday)


class _Corporation(msgspec.Struct, frozen=True):
    ticker: str
    member_count: Id
    ceo_id: Id | None = None
    name: str | None = None


class _Alliance(msgspec.Struct, frozen=True):
    ticker: str
    name: str | None = None


class _Type(msgspec.Struct, frozen=True):
    group_id: Id


class _Group(msgspec.Struct, frozen=True):
    category_id: Id
    name: str


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Constellation(msgspec.Struct, frozen=True):
    region_id: Id
    name: str


def _born(character: _Character) -> Details:
    born = character.birthday
    return born if born.tzinfo else born.replace(tzinfo=UTC), character.security_status


def _of_corporation(told: _Corporation) -> Details:
    return _text(told.ticker), None if told.ceo_id in NOBODY else told.ceo_id, told.member_count


def _text(value: str) -> str:
    """As Postgres keeps it: without NUL, and not too long for an index."""
    return value[:LONGEST_TEXT].replace("\0", "\N{REPLACEMENT CHARACTER}")


CHARACTER = Lookup(Route("GET", "/characters/{character_id}", None), _Character, _born, "character")
"""Birthday (UTC), security status or None."""
CORPORATION = Lookup(
    Route("GET", "/corporations/{corporation_id}", None),
    _Corporation,
    _of_corporation,
    "corporation",
)
"""Ticker, the CEO's character id or None, number of members."""
ALLIANCE = Lookup(
    Route("GET", "/alliances/{alliance_id}", None), _Alliance, lambda told: (_text(told.ticker),), "alliance"
)
"""Ticker."""
TYPE = Lookup(Route("GET", "/universe/types/{type_id}", None), _Type, lambda told: (told.group_id,))
"""Group id."""
GROUP = Lookup(
    Route("GET", "/universe/groups/{group_id}", None), _Group, lambda told: (told.category_id, _text(told.name))
)
"""Category id, name."""
CATEGORY = Lookup(Route("GET", "/universe/categories/{category_id}", None), _Named, lambda told: (_text(told.name),))
"""Name."""
CONSTELLATION = Lookup(
    Route("GET", "/universe/constellations/{constellation_id}", None),
    _Constellation,
    lambda told: (told.region_id, _text(told.name)),
)
"""Region id, name."""
REGION = Lookup(Route("GET", "/universe/regions/{region_id}", None), _Named, lambda told: (_text(told.name),))
"""Name."""
