"""ESI's list of prices: read exactly, asked for again only by its ETag."""

from __future__ import annotations

from decimal import Decimal

import pytest
from aiohttp import web

from contracts.call_classes import CallClass
from eve.errors import MalformedBody, Unavailable
from eve.esi.market_prices import MarketPrice
from tests.eve.conftest import OpenEsi
from tests.eve.servers import errors_left

LIST = b"""[
  {"type_id": 44992, "average_price": 4512345.67, "adjusted_price": 4400000.1},
  {"type_id": 587, "adjusted_price": 0.0},
  {"type_id": 34, "average_price": 3.9000000000000004},
  {"type_id": 35}
]"""


async def test_prices_come_to_the_last_digit_and_in_order(open_esi: OpenEsi) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/eve/markets/prices"
        assert "If-None-Match" not in request.headers
        return web.Response(body=LIST, headers={"ETag": '"one"', **errors_left(100)})

    async with open_esi(handler) as esi:
        listed = await esi.market_prices("", CallClass.BACKFILL)
    assert listed is not None
    assert listed.etag == '"one"'
    assert listed.prices == (
        MarketPrice(34, Decimal("3.9000000000000004"), None),
        MarketPrice(35, None, None),
        MarketPrice(587, None, Decimal("0.0")),
        MarketPrice(44992, Decimal("4512345.67"), Decimal("4400000.1")),
    )


async def test_an_unchanged_list_is_not_sent_again(open_esi: OpenEsi) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.headers["If-None-Match"] == '"one"'
        return web.Response(status=304, headers={"ETag": '"one"', **errors_left(100)})

    async with open_esi(handler) as esi:
        assert await esi.market_prices('"one"', CallClass.BACKFILL) is None


async def test_a_bad_price_costs_only_itself(open_esi: OpenEsi) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(
            body=b'[{"type_id": 34, "average_price": -1}, {"type_id": 35, "average_price": 2.5}]',
            headers=errors_left(100),
        )

    async with open_esi(handler) as esi:
        listed = await esi.market_prices("", CallClass.BACKFILL)
    assert listed is not None
    assert listed.prices == (MarketPrice(35, Decimal("2.5")),)
    assert listed.unusable.total() == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (LIST[:80], Unavailable),
        (b"[]", MalformedBody),
        (b'{"error": "no"}', Unavailable),
        (b'{"prices": []}', MalformedBody),
        (b'[{"average_price": 1.0}]', MalformedBody),
        (b'[{"type_id": 34, "average_price": -1.0}]', MalformedBody),
        (b'[{"type_id": 34, "average_price": NaN}]', Unavailable),
        (b'[{"type_id": 34, "average_price": true}]', MalformedBody),
    ],
)
async def test_anything_else_than_prices_is_refused(open_esi: OpenEsi, body: bytes, error: type[Exception]) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=errors_left(100))

    async with open_esi(handler) as esi:
        with pytest.raises(error):
            await esi.market_prices("", CallClass.BACKFILL)
