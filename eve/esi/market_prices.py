"""ESI's list of prices: one number per type for the whole game, not the orders of a market.

Source: ESI's OpenAPI document of 2026-07-21, `GET /markets/prices`: `average_price` and `adjusted_price` are both
optional. The numbers are read as decimals, to the last digit, for ISK are counted and not measured.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from eve.answer import Answer
from eve.decoding import Id, entries
from eve.errors import MalformedBody
from eve.responses import etag_in


class MarketPrice(msgspec.Struct, frozen=True):
    """A type's prices in ISK; None: ESI gives none."""

    type_id: Id
    average_price: Decimal | None = None
    adjusted_price: Decimal | None = None

    def __post_init__(self) -> None:
        for price in (self.average_price, self.adjusted_price):
            if price is not None and not (price.is_finite() and price >= 0):
                raise ValueError("Expected a price of 0 or more")


@dataclass(frozen=True, slots=True)
class MarketPrices:
    """The whole list, each type once, and the ETag to ask by next time ("": none).

    `unusable`: entries that are no price, by what is wrong with them.
    """

    etag: str
    prices: tuple[MarketPrice, ...]
    unusable: Counter[str] = field(default_factory=Counter)


def market_prices(answer: Answer) -> MarketPrices:
    """The list in a successful answer.

    Raises:
        Unavailable: it was cut short on the way, or is no JSON.
        MalformedBody: there is not one price in it.
    """
    listed = entries(answer.body, MarketPrice, "ESI")
    if not listed.good:
        raise MalformedBody("ESI's list of prices holds none.")
    prices = {price.type_id: price for price in listed.good}
    etag = etag_in(answer)
    return MarketPrices(etag, tuple(prices[type_id] for type_id in sorted(prices)), listed.refused)
