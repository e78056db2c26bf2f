"""A day of the market archive, whatever somebody put into it."""

from __future__ import annotations

import bz2
import contextlib
import io
import tracemalloc
from datetime import date, timedelta

import pytest

from eve.archive.market import LONGEST_LINE, MarketDay, read_market_day
from eve.errors import MalformedBody
from sandbox.eve.market_history import HEADERS, market_day

DAY = date(2026, 1, 2)
OLD, SWAPPED, NEW = HEADERS
LINES = {
    OLD: "2026-01-02,{region},{type_id},{average},9.99,1.01,24,3",
    SWAPPED: "2026-01-02,{region},{type_id},{average},1.01,9.99,24,3",
    NEW: "{average},2026-01-02,9.99,1.01,3,24,2026-01-03T11:01:55Z,{region},{type_id}",
}


def packed(header: str, *entries: tuple[int, int, str]) -> bytes:
    lines = [
        LINES[header].format(region=region, type_id=type_id, average=average) for region, type_id, average in entries
    ]
    return bz2.compress("\n".join([header, *lines, ""]).encode())


def read(content: bytes, day: date = DAY) -> MarketDay:
    return read_market_day(io.BytesIO(content), day)


def test_every_header_tells_the_forges_averages_in_hundredths() -> None:
    for header in HEADERS:
        content = packed(
            header, (10000002, 34, "4.05"), (10000043, 34, "9"), (10000002, 587, "1.234567E6"), (10000002, 178, "0.005")
        )
        assert read(content) == MarketDay({34: 405, 587: 123_456_700, 178: 1}), header
    for back in range(len(HEADERS)):
        day = DAY - timedelta(back)
        assert set(read(market_day(day, {34: 4.0, 587: 500_000.0}), day).averages) == {34, 587}


def test_a_line_that_is_no_price_is_left_out_and_counted() -> None:
    good = [(10000002, type_id, "1.5") for type_id in range(10, 20)]
    bad = [(10000002, 20, "NaN"), (10000002, 21, "-1"), (10000002, 22, "1e99"), (10000002, 23, "ISK")]
    assert read(packed(NEW, *good, *bad)) == MarketDay(dict.fromkeys(range(10, 20), 150), refused=4)


def test_what_is_no_such_day_is_refused_with_a_sentence() -> None:
    whole = market_day(DAY, dict.fromkeys(range(1, 3000), 5.0))
    for content, why in (
        (b"<html>", "is no CSV packed by bzip2"),
        (b"", "ends in the middle"),
        (bz2.compress(b"\xff\xfe" * 100), "is no CSV packed by bzip2"),
        (bz2.compress(b"date,region_id,type_id\n"), "has no column average"),
        (whole[:-40], "ends in the middle"),
        (market_day(DAY - timedelta(1), {34: 1.0, 35: 1.0}), "has 2 lines that are no prices of it, and 0 that are"),
        (bz2.compress(OLD.encode() + b"\n" + b"1" * (LONGEST_LINE + 1)), "is larger than a day can be"),
    ):
        with pytest.raises(MalformedBody, match=f"file of 2026-01-02 {why}"):
            read(content)


def test_memory_stays_flat_however_much_there_is() -> None:
    endless = bz2.compress(f"{OLD}\n".encode() + b"2026-01-02,10000043,34,1,1,1,1,1\n" * 60_000)
    one_line = bz2.compress(bytes(64 * 1024**2))
    for content in (endless, one_line):
        tracemalloc.start()
        with contextlib.suppress(MalformedBody):
            read(content)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * 1024**2
