"""zKillboard's stream of this universe's killmails (R2Z2): `/ephemeral/sequence.json` and `/ephemeral/<number>.json`.

Each killmail has its number by when this universe got to know it, the history of its beginning too; what happened
more than a day ago is not kept. The number that it tells lags, as zKillboard's does.
"""

from __future__ import annotations

import orjson
from aiohttp import web

from sandbox.eve.answers import JSON, Refusal
from sandbox.eve.killmails import Killmail
from sandbox.eve.world import World

ROUTE = "/ephemeral/{name}"
FIRST = 90_000_001
KEPT_SECONDS = 86_400
TOLD_EVERY = 51
"""Killmails from one look of zKillboard's at how far it is to the next."""


class Stream:
    """Its one route."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbered: list[Killmail] = []

    async def object(self, request: web.Request) -> web.Response:
        """An object, or how far the stream is; 404 for what is not there yet or any more."""
        if not request.headers.get("User-Agent"):
            raise Refusal(403, "Forbidden")
        name = request.match_info["name"].removesuffix(".json")
        numbered = self._all()
        if name == "sequence":
            told = max(len(numbered) - len(numbered) % TOLD_EVERY - 1, 0)
            return _answer({"sequence": FIRST + told})
        if not name.isdecimal():
            raise Refusal(404, "Not Found")
        sequence = int(name)
        if (odd := self._world.streamed.get(sequence)) is not None:
            return _answer(odd)
        if sequence in self._world.streamed or not 0 <= sequence - FIRST < len(numbered):
            raise Refusal(404, "Not Found")
        killmail = numbered[sequence - FIRST]
        if killmail.time < self._world.clock.now() - KEPT_SECONDS:
            raise Refusal(404, "Not Found")
        return _answer(
            {
                "killmail_id": killmail.killmail_id,
                "hash": killmail.zkillboard_hash or killmail.killmail_hash,
                "esi": killmail.parsed(),
                "zkb": {"totalValue": 1.25, "labels": ["pvp"], "href": "", "attackerCount": 1},
                "uploaded_at": int(killmail.time),
                "sequence_id": sequence,
            }
        )

    def _all(self) -> list[Killmail]:
        if len(self._numbered) != len(self._world.killmails):
            self._numbered = list(self._world.killmails)
        return self._numbered


def _answer(value: object) -> web.Response:
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return web.Response(body=body, headers={"Content-Type": JSON})
