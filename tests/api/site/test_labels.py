"""A value in three digits, and in full where one asks for it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from api.site import battle_words
from api.site.labels import flags, isk_of, pricing, short_isk


@pytest.mark.parametrize(
    ("isk", "shown"),
    [
        ("0.00", "0"),
        ("12.40", "12"),
        ("999.49", "999"),
        ("999.50", "1.00k"),
        ("1234.00", "1.23k"),
        ("9994.99", "9.99k"),
        ("9995.00", "10.0k"),
        ("99949.99", "99.9k"),
        ("99950.00", "100k"),
        ("999499.99", "999k"),
        ("999500.00", "1.00m"),
        ("45600000.00", "45.6m"),
        ("1234567890.12", "1.23b"),
        ("1234567890123.00", "1.23t"),
        ("1234567890123456.00", "1,235t"),
    ],
)
def test_three_digits(isk: str, shown: str) -> None:
    assert short_isk(isk) == shown


@pytest.mark.parametrize(
    ("typed", "isk"),
    [
        ("250m", "250000000"),
        (" 1.5 B ", "1500000000"),
        ("1,000,000", "1000000"),
        ("12,345.67k", "12345670"),
        ("123,456,789,012,345", "123456789012345"),
        ("0", "0"),
        ("1,5b", None),
        ("1,50b", None),
        ("1,5000", None),
        ("1000,000", None),
        (",000", None),
        ("1,", None),
        ("1.000,000", None),
        ("1" * 16, None),
        ("", None),
    ],
)
def test_an_amount_that_may_mean_another_is_none(typed: str, isk: str | None) -> None:
    """A comma stands between thousands, and is no decimal point."""
    assert isk_of(typed) == (None if isk is None else Decimal(isk))


def test_the_exact_figure_says_what_it_rests_on() -> None:
    value = {"total": "1234567.80", "priceDate": "2026-07-24", "priceSource": "ESI", "pricedKinds": 12, "itemKinds": 14}
    assert pricing(value) == "1,234,567.80 ISK at EVE's average prices on 2026-07-24; 12 of 14 item types priced."


def test_only_flags_that_are_set_are_shown() -> None:
    assert [flag for flag, _ in flags({"solo": True, "npc": False, "awox": None})] == ["solo"]


@pytest.mark.parametrize(
    ("systems", "words"),
    [
        (["Jita"], "Battle in Jita"),
        (["Jita", "Perimeter"], "Battle in Jita and Perimeter"),
        (["Jita", None, "Urlen"], "Battle in Jita, Unknown system 2 and 1 more system"),
        (["Jita", "Perimeter", "Urlen", "Sobaseki"], "Battle in Jita, Perimeter and 2 more systems"),
    ],
)
def test_a_battle_is_called_by_where_it_was_fought(systems: list[str | None], words: str) -> None:
    told = [{"id": str(number), "name": name} for number, name in enumerate(systems, start=1)]
    assert battle_words.title({"solarSystems": told}) == words
