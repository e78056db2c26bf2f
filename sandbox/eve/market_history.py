"""EVE Ref's archive of this universe's markets: a packed CSV a day below `/market-history`, and `totals.json`.

The real one changed its header twice; here each day has the header of another time, so that a month shows them all.
"""

from __future__ import annotations

import asyncio
import bz2
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

import orjson
from aiohttp import web

from sandbox.eve.answers import Answer, Refusal, etag_of, response
from sandbox.eve.market import price
from sandbox.eve.world import World

ROUTE = "/market-history/{path}"
DAYS = 400
"""So far back it goes; nobody traded here before."""
THE_FORGE, DOMAIN = 10_000_002, 10_000_043
HEADERS = (
    "date,region_id,type_id,average,highest,lowest,volume,order_count",
    "date,region_id,type_id,average,lowest,highest,volume,order_count",
    "average,date,highest,lowest,order_count,volume,http_last_modified,region_id,type_id",
)
"""Until 2018, until June 2020, and since."""
ACCIDENT = 50
"""Times the usual price, paid by somebody who did not look: one type in a thousand a day."""


class MarketHistory:
    """Its one route. A day is in it once it is over, unless the world has another file of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._usual: dict[int, float | None] = {}

    async def file(self, request: web.Request) -> web.Response:
        """A file of the archive, or 304 for whoever has it."""
        path, now = request.match_info["path"], self._world.clock.now()
        if path == "totals.json":
            totals = orjson.dumps({str(day): len(self._prices()) for day in self._days()})
            return response(Answer(totals, now, etag=etag_of(totals)), request, now)
        try:
            name = path.partition("/")[2]
            day = date.fromisoformat(name.removeprefix("market-history-").removesuffix(".csv.bz2"))
        except ValueError:
            raise Refusal(404, "Not Found") from None
        if path != f"{day:%Y}/market-history-{day}.csv.bz2" or day not in self._days():
            raise Refusal(404, "Not Found")
        body = self._world.market_days.get(day, b"") or await asyncio.to_thread(market_day, day, self._prices())
        return response(Answer(body, now, etag=etag_of(body), content_type="application/octet-stream"), request, now)

    def _prices(self) -> dict[int, float]:
        """Of what is sold at all."""
        for type_id, one in self._world.universe.types.items():
            if type_id not in self._usual:
                self._usual[type_id] = price(one)[1]
        return {type_id: usual for type_id, usual in self._usual.items() if usual is not None}

    def _days(self) -> set[date]:
        today = datetime.fromtimestamp(self._world.clock.now(), UTC).date()
        return {today - timedelta(back) for back in range(1, DAYS + 1)} | self._world.market_days.keys()


def market_day(day: date, usual: Mapping[int, float]) -> bytes:
    """A day's file of these prices, each about as usual; packed."""
    dice = random.Random(f"market {day}")
    header = HEADERS[day.toordinal() % len(HEADERS)]
    lines = [header, *_lines(header.split(","), day, usual, dice)]
    return bz2.compress("".join(f"{line}\n" for line in lines).encode())


def _lines(columns: list[str], day: date, usual: Mapping[int, float], dice: random.Random) -> Iterator[str]:
    for region in (DOMAIN, THE_FORGE):
        for type_id, average in usual.items():
            paid = average * dice.uniform(0.8, 1.2) * (ACCIDENT if dice.random() < 0.001 else 1)
            cells = {
                "average": f"{paid:.2f}",
                "date": str(day),
                "highest": f"{paid * 1.1:.2f}",
                "lowest": f"{paid * 0.9:.2f}",
                "order_count": "12",
                "volume": "345",
                "http_last_modified": f"{day + timedelta(1)}T11:01:55Z",
                "region_id": str(region),
                "type_id": str(type_id),
            }
            yield ",".join(map(cells.__getitem__, columns))
