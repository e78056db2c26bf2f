"""How the sandbox's routes are declared, and what a handler is asked with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from sandbox.eve.answers import Answer, refusal
from sandbox.eve.budgets import Limit
from sandbox.eve.callers import Caller
from sandbox.eve.world import World


@dataclass(frozen=True)
class Asked:
    """One request to ESI; its body was read already."""

    world: World
    request: web.Request
    caller: Caller
    payload: bytes
    now: float

    @property
    def page(self) -> int:
        """The query's `page`, 1 when there is none.

        Raises:
            Refusal: 400, it is not a number from 1.
        """
        text = self.request.query.get("page", "1")
        if not text.isdecimal() or int(text) < 1:
            raise refusal(400, "page must be a number, 1 or greater")
        return int(text)

    def number(self, name: str) -> int:
        """A number in the path.

        Raises:
            Refusal: 400, it is not one.
        """
        text = self.request.match_info[name]
        if not text.isdecimal():
            raise refusal(400, f"{name} must be a number")
        return int(text)

    def ids(self) -> list[int]:
        """The body as a list of 1 to 1,000 unique ids.

        Raises:
            Refusal: 400, it is not one.
        """
        try:
            ids: Any = orjson.loads(self.payload)
        except orjson.JSONDecodeError:
            raise refusal(400, "request body must be JSON") from None
        if not isinstance(ids, list) or not all(type(one) is int for one in ids):
            raise refusal(400, "request body must be a list of numbers")
        if not 1 <= len(ids) <= 1_000:
            raise refusal(400, f"request body must have 1 to 1000 items, not {len(ids)}")
        if len(set(ids)) != len(ids):
            raise refusal(400, "request body must have unique items")
        return ids


@dataclass(frozen=True)
class Route:
    """A route of ESI. `limit` None: the error limit counts it. `authenticated`: its bucket is the character's."""

    method: str
    template: str
    handler: Callable[[Asked], Answer]
    limit: Limit | None = None
    authenticated: bool = False
