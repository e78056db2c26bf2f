"""EVE's daily downtime: 11:00 UTC, usually a few minutes; clients keep away until 11:15."""

from __future__ import annotations

from datetime import datetime, time

from eve.responses import error_text, is_error_document

BEGINS = time(11, 0)
ENDS = time(11, 15)
_SAYS_DOWNTIME = ("datasource tranquility is temporarily unavailable", "maintenance mode", "timeout contacting")


def daily_downtime_ends(now: datetime) -> datetime | None:
    """When today's downtime ends, if `now` (UTC) is within it."""
    if BEGINS <= now.time() < ENDS:
        return now.replace(hour=ENDS.hour, minute=ENDS.minute, second=0, microsecond=0)
    return None


def says_downtime(body: bytes) -> bool:
    """Whether a body, of a 5XX or of a 200, says that the game itself is away, not just this answer."""
    return is_error_document(body) and any(phrase in error_text(body).lower() for phrase in _SAYS_DOWNTIME)
