"""Cursors of the feed: where in `(killmail_time, killmail_id)` a page ended.

Opaque to clients, and data from a stranger when they come back: anything this module did not write is refused.
"""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta

_VERSION = 1
_LAYOUT = struct.Struct(">Bqq")  # version, microseconds since 1970 (UTC), killmail id
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class InvalidCursor(ValueError):
    """Not a cursor of this feed: mistyped, cut short, or of another version."""


def encode_cursor(killmail_time: datetime, killmail_id: int) -> str:
    """The cursor that continues after this killmail."""
    packed = _LAYOUT.pack(_VERSION, (killmail_time - _EPOCH) // _MICROSECOND, killmail_id)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> tuple[datetime, int]:
    """Time and id of the killmail a page ended with.

    Raises:
        InvalidCursor: `encode_cursor` did not make it.
    """
    try:
        packed = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, microseconds, killmail_id = _LAYOUT.unpack(packed)
        killmail_time = _EPOCH + timedelta(microseconds=microseconds)
    except (UnicodeEncodeError, binascii.Error, struct.error, OverflowError) as error:
        raise InvalidCursor("This is not a cursor of the feed.") from error
    # One spelling per position: base64 lets the last character carry spare bits, "+" stands for "-".
    if version != _VERSION or encode_cursor(killmail_time, killmail_id) != cursor:
        raise InvalidCursor("This is not a cursor of the feed.")
    return killmail_time, killmail_id
