"""A feed's address: what is chosen, as a query string that can be shared and gone back through.

Anything a stranger wrote into it that makes no sense counts as not chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from db.killmails import Side

SIDES: dict[str, Side] = {"kills": "ATTACKER", "losses": "VICTIM"}
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Each field is a parameter of the query string."""

    character: int | None = None
    corporation: int | None = None
    side: str | None = None
    after: str | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> FeedAddress:
        """The choice in a query string."""
        side = parameters.get("side")
        return cls(
            character=eve_id(parameters.get("character")),
            corporation=eve_id(parameters.get("corporation")),
            side=side if side in SIDES else None,
            after=parameters.get("after") or None,
        )

    def but(self, **changes: Any) -> FeedAddress:
        """Another choice, from its newest killmail on."""
        return replace(self, **{"after": None, **changes})

    def query(self) -> str:
        """The query string, without what is not chosen."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return urlencode({name: value for name, value in chosen.items() if value is not None})

    def at(self, path: str) -> str:
        """The address of the page at `path` with this choice."""
        query = self.query()
        return f"{path}?{query}" if query else path


def eve_id(text: str | None) -> int | None:
    """An EVE id in an address; None for anything else."""
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > 19:
        return None
    number = int(text)
    return number if 0 < number <= LARGEST_ID else None
