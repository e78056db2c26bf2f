"""A killmail's value and flags in the few letters the feed has room for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from contracts.plurals import counted
from db.values.rules import CAP, MEDIAN_DAYS

UNITS = ((Decimal(10) ** 12, "t"), (Decimal(10) ** 9, "b"), (Decimal(10) ** 6, "m"), (Decimal(10) ** 3, "k"))
NEARLY_ONE = Decimal("0.9995")
"""From here on, three digits of it are 1.00."""
PLACES = ((2, Decimal("9.995")), (1, Decimal("99.95")))
"""Decimal places, and below which figure there is room for so many."""
ASTRONOMICAL_UNIT = 149_597_870_700
"""Metres (IAU 2012, resolution B2)."""
FLAGS = {
    "solo": "A single pilot got this kill without help",
    "npc": "No players among the attackers",
    "awox": "Final blow by the victim's own corporation or alliance",
}


def short_isk(amount: str) -> str:
    """ISK to three digits, as pilots say it: 1.23b, 45.6m, 789k; below a thousand as it is, without cents."""
    isk = Decimal(amount)
    for unit, letter in UNITS:
        if (scaled := isk / unit) >= NEARLY_ONE:
            places = next((places for places, below in PLACES if scaled < below), 0)
            return f"{scaled.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}{letter}"
    return f"{isk.quantize(Decimal(1), ROUND_HALF_UP)}"


_TYPED = re.compile(
    r"((?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:[.][0-9]{1,2})?) ?([kmbt]?)", re.ASCII | re.IGNORECASE
)
"""Commas only where thousands are: half of Europe means one and a half by 1,5."""


def isk_of(text: str) -> Decimal | None:
    """The amount that somebody typed: 250m, 1.5b, 1,000,000; None when it is none."""
    typed = _TYPED.fullmatch(text.strip())
    if typed is None:
        return None
    units = {letter: unit for unit, letter in UNITS}
    return Decimal(typed[1].replace(",", "")) * units.get(typed[2].lower(), Decimal(1))


def worth(amount: str) -> str:
    """The style sheet's class for the weight of an amount: a billion and more stands out, a million is little."""
    return next((f"worth-{letter}" for unit, letter in UNITS if Decimal(amount) >= unit), "worth-little")


def exact_isk(amount: str) -> str:
    """ISK to the cent: 1,234,567.80."""
    return f"{Decimal(amount):,}"


def distance(metres: float) -> str:
    """A distance as the game's overview tells it: metres up to 10 km, kilometres, and AU from a tenth of one on."""
    if metres < 9_999.5:
        return f"{metres:,.0f} m"
    if metres < ASTRONOMICAL_UNIT / 10:
        return f"{metres / 1_000:,.0f} km"
    return f"{metres / ASTRONOMICAL_UNIT:,.1f} AU"


def pricing(value: Mapping[str, Any]) -> str:
    """The exact figure, and what it rests on, in a sentence."""
    return (
        f"{exact_isk(value['total'])} ISK at {prices_of(value)};"
        f" {value['pricedKinds']} of {counted(value['itemKinds'], 'item type')} priced."
    )


def prices_of(value: Mapping[str, Any]) -> str:
    """Whose prices of which day a value is worked out with."""
    whose = "The Forge's average prices" if value["priceSource"] == "THE_FORGE" else "EVE's average prices"
    return f"{whose} on {value['priceDate']}"


_NOTES = {
    "CAPPED": f"price capped at {CAP} times the {MEDIAN_DAYS}-day median",
    "FREE_HULL": "given away at every station",
    "MUTATED": "not sold on the market",
    "UNIQUE": "a prize ship: no reliable price",
    "SKIN": "a SKIN: no reliable price",
}
"""By GraphQL's `PriceNote`; of a blueprint copy the line says that it is one."""


def price_words(note: str | None, day: str | None, usual_day: str | None) -> str:
    """What is to be said of a price: a note, or that it is not of the day of the others. "" where nothing is."""
    if note is not None:
        return _NOTES.get(note, "")
    return f"price of {day}" if day is not None and day != usual_day else ""


def flags(killmail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The flags a killmail has, each with its meaning."""
    return [(flag, meaning) for flag, meaning in FLAGS.items() if killmail[flag]]
