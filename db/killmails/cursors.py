"""Cursors: where in a list a page ended, by time and id or by value and id, and where the live feed goes on.

Opaque to clients, and data from a stranger when they come back: anything this module did not write is refused,
and so is a cursor of a list in another order.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_BY_TIME = 1
_BY_VALUE = 2
_TIME_LAYOUT = struct.Struct(">Bqq")  # version, microseconds since 1970 (UTC), killmail id
_VALUE_LAYOUT = struct.Struct(">Bq")  # version, killmail id; the value follows in digits
_BY_ARRIVAL = 2  # shorter than any cursor by value, so that neither is ever taken for the other
_ARRIVAL_LAYOUT = struct.Struct(">BQ")  # version, arrival
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_VALUE = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)


class InvalidCursor(ValueError):
    """Not a cursor of this list: mistyped, cut short, of another version or of another order."""


def encode_cursor(killmail_time: datetime, killmail_id: int) -> str:
    """The cursor that continues after this killmail, newest first."""
    return _text(_TIME_LAYOUT.pack(_BY_TIME, (killmail_time - _EPOCH) // _MICROSECOND, killmail_id))


def encode_value_cursor(value: Decimal, killmail_id: int) -> str:
    """The cursor that continues after this killmail, most valuable first. `value`: ISK, kept exactly."""
    return _text(_VALUE_LAYOUT.pack(_BY_VALUE, killmail_id) + f"{value:f}".encode())


def decode_cursor(cursor: str) -> tuple[datetime, int]:
    """Time and id of the killmail a page ended with.

    Raises:
        InvalidCursor: `encode_cursor` did not make it.
    """
    try:
        version, microseconds, killmail_id = _TIME_LAYOUT.unpack(_packed(cursor))
        killmail_time = _EPOCH + timedelta(microseconds=microseconds)
    except (struct.error, OverflowError) as error:
        raise InvalidCursor("This is not a cursor of the feed.") from error
    # One spelling per position: base64 lets the last character carry spare bits, "+" stands for "-".
    if version != _BY_TIME or encode_cursor(killmail_time, killmail_id) != cursor:
        raise InvalidCursor("This is not a cursor of the feed.")
    return killmail_time, killmail_id


def decode_value_cursor(cursor: str) -> tuple[Decimal, int]:
    """Value and id of the killmail a page ended with.

    Raises:
        InvalidCursor: `encode_value_cursor` did not make it.
    """
    packed = _packed(cursor)
    digits = packed[_VALUE_LAYOUT.size :].decode("latin-1")
    if len(packed) <= _VALUE_LAYOUT.size or not _VALUE.fullmatch(digits):
        raise InvalidCursor("This is not a cursor of the list by value.")
    version, killmail_id = _VALUE_LAYOUT.unpack_from(packed)
    value = Decimal(digits)
    if version != _BY_VALUE or encode_value_cursor(value, killmail_id) != cursor:
        raise InvalidCursor("This is not a cursor of the list by value.")
    return value, killmail_id


def position_cursor(arrival: int) -> str:
    """The cursor of the live feed that goes on after this arrival (`db/intake/arrivals.py`)."""
    return _text(_ARRIVAL_LAYOUT.pack(_BY_ARRIVAL, arrival))


def cursor_position(cursor: str) -> int:
    """The arrival in a cursor of the live feed.

    Raises:
        InvalidCursor: `position_cursor` did not make it.
    """
    try:
        version, arrival = _ARRIVAL_LAYOUT.unpack(_packed(cursor))
    except struct.error as error:
        raise InvalidCursor("This is not a cursor of the live feed.") from error
    if version != _BY_ARRIVAL or arrival >= 2**63 or position_cursor(arrival) != cursor:
        raise InvalidCursor("This is not a cursor of the live feed.")
    return int(arrival)


def _text(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _packed(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidCursor("This is not a cursor.") from error
