"""A day of the market archive, read as a stream: a CSV packed by bzip2, a line for each type that a region traded.

Its header has changed: until 2018 `date,region_id,type_id,average,highest,lowest,volume,order_count`, then with the
lowest before the highest; from 18 June 2020 on it has `http_last_modified` too, in two orders (counted by others over
all files of October 2026). So columns are found by their names. Some 50,000 lines and half a megabyte packed a day, of
which The Forge has some 10,000; ESI gives its averages with two decimals.

Everything here is somebody else's word: it is read line by line, and memory does not grow with what comes.
"""

from __future__ import annotations

import bz2
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from eve.errors import MalformedBody

THE_FORGE = 10_000_002
"""The region of Jita (EVE's static data), where most of everything is sold."""
MOST_UNPACKED = 256 * 1024**2
"""Bytes of one day; a usual one has 4 MB."""
LONGEST_LINE = 1024
"""Bytes; a usual one has 80."""
MOST_TYPES = 100_000
"""Of one day; The Forge never traded 20,000."""
DEAREST = Decimal(10) ** 15
"""ISK: what no market of EVE's takes as a price."""
_NEEDED = ("date", "region_id", "type_id", "average")


@dataclass(frozen=True, slots=True)
class MarketDay:
    """What The Forge paid on average: hundredths of ISK by type id. `refused`: its lines that are none."""

    averages: dict[int, int]
    refused: int = 0


def read_market_day(packed: io.RawIOBase | io.BufferedIOBase, day: date) -> MarketDay:
    """Read the file of a day to its end. Blocks: for a thread.

    Raises:
        MalformedBody: it is not such a file, ends in the middle, is of another day or larger than a day can be.
        EveError: as the source does.
    """
    averages: dict[int, int] = {}
    refused = 0
    try:
        rows = csv.reader(_lines(packed, day))
        at = _columns(next(rows, []), day)
        for row in rows:
            if len(row) <= max(at):
                refused += 1
                continue
            told_day, region, type_id, average = (row[index] for index in at)
            if region != str(THE_FORGE):
                continue
            price = _hundredths(average)
            if price is None or told_day != str(day) or not (type_id.isascii() and type_id.isdigit()):
                refused += 1
            elif len(type_id) <= 9:
                averages[int(type_id)] = price
            if len(averages) > MOST_TYPES:
                raise _malformed(day, f"has more than {MOST_TYPES:,} types")
    except EOFError:
        raise _malformed(day, "ends in the middle") from None
    except (OSError, ValueError, csv.Error):
        raise _malformed(day, "is no CSV packed by bzip2") from None
    if refused > len(averages):
        raise _malformed(day, f"has {refused:,} lines that are no prices of it, and {len(averages):,} that are")
    return MarketDay(averages, refused)


def _lines(packed: io.RawIOBase | io.BufferedIOBase, day: date) -> Iterator[str]:
    size = 0
    with bz2.BZ2File(packed) as unpacked:
        while line := unpacked.readline(LONGEST_LINE + 1):
            size += len(line)
            if len(line) > LONGEST_LINE or size > MOST_UNPACKED:
                raise _malformed(day, "is larger than a day can be")
            yield line.decode("ascii")


def _columns(header: list[str], day: date) -> tuple[int, ...]:
    """Where the needed ones are."""
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise _malformed(day, f"has no column {missing[0]}")
    return tuple(header.index(name) for name in _NEEDED)


def _hundredths(average: str) -> int | None:
    try:
        isk = Decimal(average)
    except InvalidOperation:
        return None
    if not isk.is_finite() or not 0 <= isk <= DEAREST:
        return None
    return int((isk * 100).to_integral_value(ROUND_HALF_UP))


def _malformed(day: date, what: str) -> MalformedBody:
    return MalformedBody(f"The market archive's file of {day} {what}.")
