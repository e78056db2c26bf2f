"""A receiver of webhooks, for trying them out: it keeps what it is sent, shows it, and answers as it is told to.

`/receiver` shows it to people. A webhook is sent to `/receiver/<anything>`, or to `/api/webhooks/<number>/<word>` as if
it were one of Discord's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import orjson
from aiohttp import web

KEPT = 500
PLAIN, DISCORD = "/receiver/{name:.+}", "/api/webhooks/{number:[0-9]+}/{name}"


@dataclass(frozen=True, slots=True)
class Received:
    """A request that came, and how it was answered."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def parsed(self) -> Any:
        """The body's JSON."""
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """`answers` are given one after the other, then 204 for ever. `seconds`: how long it thinks about each."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    seconds: float = 0
    received: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT))

    def mount(self, app: web.Application) -> None:
        app.router.add_route("GET", "/receiver", self._page)
        for path in (PLAIN, DISCORD):
            app.router.add_route("POST", path, self._take)
        app.router.add_route("POST", "/_sandbox/receiver", self._order)

    @property
    def taken(self) -> list[Received]:
        """What it said yes to, in order."""
        return [one for one in self.received if one.status < 300]

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        # Kept before it is answered: whoever gives up waiting has been heard all the same.
        self.received.append(Received(request.path, dict(request.headers), body, status))
        await asyncio.sleep(self.seconds)
        return web.Response(status=status, headers=headers)

    async def _order(self, request: web.Request) -> web.Response:
        """`{"answers": [[503, {"Retry-After": "5"}]], "seconds": 0}`."""
        asked = orjson.loads(await request.read())
        self.answers = [(int(status), dict(headers)) for status, headers in asked.get("answers", [])]
        self.seconds = float(asked.get("seconds", 0))
        return web.Response(status=204)

    async def _page(self, _: web.Request) -> web.Response:
        rows = "".join(
            f"<h2>{one.status} {escape(one.path)}</h2><p>{escape(one.headers.get('webhook-id', ''))}</p>"
            f"<pre>{escape(one.body.decode(errors='replace'))}</pre>"
            for one in reversed(self.received)
        )
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Received webhooks</title>'
            f"<h1>Received webhooks</h1>{rows or '<p>Nothing yet. Send them to /receiver/anything.</p>'}</html>"
        )
        headers = {"Content-Security-Policy": "default-src 'none'"}
        return web.Response(text=page, content_type="text/html", headers=headers)
