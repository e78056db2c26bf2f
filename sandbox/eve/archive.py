"""EVE Ref's archive of this universe: a packed tar a day below `/archive`, made when asked for, and `totals.json`."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

import orjson
from aiohttp import web

from sandbox.eve.answers import Answer, Refusal, etag_of, response
from sandbox.eve.clock import http_date
from sandbox.eve.killmails import Killmail
from sandbox.eve.world import World

DAY_SECONDS = 86_400
ROUTE = "/archive/{path}"


class Archive:
    """Its one route. A day is in it once it is over, unless the world has another file of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: dict[date, tuple[int, bytes]] = {}

    async def file(self, request: web.Request) -> web.Response:
        """A file of the archive, or 304 for whoever has it."""
        path, now = request.match_info["path"], self._world.clock.now()
        if path == "totals.json":
            totals = orjson.dumps(await asyncio.to_thread(self._totals))
            return response(Answer(totals, now, etag=etag_of(totals)), request, now)
        try:
            name = path.partition("/")[2]
            day = date.fromisoformat(name.removeprefix("killmails-").removesuffix(".tar.bz2"))
        except ValueError:
            raise Refusal(404, "Not Found") from None
        body = self._world.archived.get(day, b"") or await asyncio.to_thread(self._day, day)
        if path != f"{day:%Y}/killmails-{day}.tar.bz2" or not body:
            raise Refusal(404, "Not Found")
        return response(Answer(body, now, etag=etag_of(body), content_type="application/octet-stream"), request, now)

    def _day(self, day: date) -> bytes:
        """Packed; b"" for a day without a killmail, or that is not over."""
        found = [one for one in self._over() if datetime.fromtimestamp(one.time, UTC).date() == day]
        count, packed = self._made.get(day, (0, b""))
        if count != len(found):
            packed = pack_day(map(_member, found))
            self._made[day] = (len(found), packed)
        return packed

    def _totals(self) -> dict[str, int]:
        counts = Counter(datetime.fromtimestamp(one.time, UTC).date() for one in self._over())
        return {f"{day:%Y%m%d}": count for day, count in sorted(counts.items())}

    def _over(self) -> list[Killmail]:
        today = self._world.clock.now() // DAY_SECONDS * DAY_SECONDS
        return [killmail for killmail in self._world.killmails if killmail.time < today]


def pack_day(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A day's file of these members: path and content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:bz2") as archive:
        for path, content in members:
            header = tarfile.TarInfo(path)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def _member(killmail: Killmail) -> tuple[str, bytes]:
    added = {"killmail_hash": killmail.killmail_hash, "http_last_modified": http_date(killmail.time)}
    return f"killmails/{killmail.killmail_id}.json", orjson.dumps({**killmail.parsed(), **added})
