"""A feed's address: what is chosen, as a query string that can be shared and gone back through.

Anything a stranger wrote into it that makes no sense counts as not chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from api.arguments import id_or_none
from db.killmails.feed import KillmailFilter, Order, Side

SIDES: dict[str, Side] = {"kills": "ATTACKER", "losses": "VICTIM"}
WORTHS = {"100m": Decimal(10) ** 8, "1b": Decimal(10) ** 9, "10b": Decimal(10) ** 10}
"""Least values in ISK, as pilots say them."""


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Each field is a parameter of the query string. `all`: everything one may see, not only one's own."""

    character: int | None = None
    corporation: int | None = None
    all: str | None = None
    side: str | None = None
    solo: str | None = None
    worth: str | None = None
    days: str | None = None
    sort: str | None = None
    after: str | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> FeedAddress:
        """The choice in a query string."""

        def one_of(name: str, *allowed: str) -> str | None:
            value = parameters.get(name)
            return value if value in allowed else None

        return cls(
            character=id_or_none(parameters.get("character", "")),
            corporation=id_or_none(parameters.get("corporation", "")),
            all=one_of("all", "1"),
            side=one_of("side", *SIDES),
            solo=one_of("solo", "1"),
            worth=one_of("worth", *WORTHS),
            days=one_of("days", "7", "30", "365", "all"),
            sort=one_of("sort", "value"),
            after=parameters.get("after") or None,
        )

    def but(self, **changes: Any) -> FeedAddress:
        """Another choice, from its newest killmail on."""
        return replace(self, **{"after": None, **changes})

    def unfiltered(self) -> FeedAddress:
        """The same feed with all that is in it."""
        return self.but(side=None, solo=None, worth=None)

    def query(self) -> str:
        """The query string, without what is not chosen."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return urlencode({name: value for name, value in chosen.items() if value is not None})

    def at(self, path: str) -> str:
        """The address of the page at `path` with this choice."""
        query = self.query()
        return f"{path}?{query}" if query else path

    def export(self) -> str:
        """The query string of an export of the same killmails (`api.exports.killmails`)."""
        chosen = {
            "characterId": self.character and str(self.character),
            "corporationId": self.corporation and str(self.corporation),
            "side": SIDES.get(self.side or ""),
            "scope": "VISIBLE" if self.all else None,
            "minValue": str(WORTHS[self.worth]) if self.worth else None,
            "solo": True if self.solo else None,
        }
        given = {name: value for name, value in chosen.items() if value is not None}
        return urlencode({"filter": json.dumps(given, separators=(",", ":"))}) if given else ""

    @property
    def order(self) -> Order:
        """The order of the list."""
        return "VALUE" if self.sort else "TIME"

    def filter(self) -> KillmailFilter:
        """The killmails of the feed at this address."""
        return KillmailFilter(
            character_id=self.character,
            corporation_id=self.corporation,
            side=SIDES.get(self.side or ""),
            scope="VISIBLE" if self.all else None,
            min_value=WORTHS.get(self.worth or ""),
            solo=True if self.solo else None,
        )
