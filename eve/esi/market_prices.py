"""ESI's list of prices: one number per type for the whole game, not the orders of a market.

Source: ESI's OpenAPI document of 2026-07-21, `GET /markets/prices`: `average_price` and `adjusted_price` are both
optional. The numbers are read as decimals, for ISK are counted and not measured.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from eve.answer import Answer
from eve.errors import MalformedBody, Unavailable
from eve.responses import expect


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """A type's prices in ISK; None: ESI gives none."""

    type_id: int
    average_price: Decimal | None
    adjusted_price: Decimal | None


@dataclass(frozen=True, slots=True)
class MarketPrices:
    """The whole list, each type once, and the ETag to ask by next time ("": none)."""

    etag: str
    prices: tuple[MarketPrice, ...]


def market_prices(answer: Answer) -> MarketPrices:
    """The list in a successful answer.

    Raises:
        Unavailable: it was cut short on the way, or is no JSON.
        MalformedBody: it is not the list agreed on.
    """
    try:
        rows = json.loads(answer.body, parse_float=Decimal, parse_constant=_no_number)
    except ValueError:
        raise Unavailable("ESI's list of prices was cut short or is not JSON.") from None
    expect(isinstance(rows, list) and len(rows) > 0, "ESI's list of prices is empty or no list.")
    prices = {price.type_id: price for price in map(_price, rows)}
    return MarketPrices(answer.headers.get("ETag", ""), tuple(prices[type_id] for type_id in sorted(prices)))


def _price(row: Any) -> MarketPrice:
    expect(isinstance(row, dict) and type(row.get("type_id")) is int, "A price of ESI's names no type.")
    return MarketPrice(row["type_id"], _isk(row, "average_price"), _isk(row, "adjusted_price"))


def _isk(row: dict[str, Any], name: str) -> Decimal | None:
    value = row.get(name)
    if value is None:
        return None
    expect(type(value) in (int, Decimal) and value >= 0, f"A price of ESI's has no usable {name}.")
    return Decimal(value)


def _no_number(constant: str) -> Any:
    raise MalformedBody(f"ESI's list of prices has {constant} for a price.")
