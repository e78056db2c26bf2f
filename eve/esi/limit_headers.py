"""What an answer's headers say about ESI's budgets (ESI docs, "Rate limiting" and "Error limit").

The two families exclude each other. `X-Ratelimit-Limit` reads "150/15m"; `Remaining` is what the bucket
still holds; there is no header that says when tokens come back: each does one window after it was spent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from eve.esi.routes import ERROR_LIMIT, Limit

_LIMIT = re.compile(r"\s*(\d{1,9})\s*/\s*(\d{1,6})\s*([smhd])\s*")
LONGEST_WINDOW_SECONDS = 86_400
"""No longer one is believed: spent tokens would be waited for so long. ESI's are of 15 minutes."""
_GROUP = re.compile(r"[\w.-]{1,100}", re.ASCII)
"""It becomes part of a key in Redis."""
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class LimitSeen:
    """A bucket as ESI sees it: its size, and what is left of it (None: not said)."""

    limit: Limit
    remaining: int | None


def limit_seen(headers: Mapping[str, str]) -> LimitSeen | None:
    """The bucket this answer was counted in; None when the headers do not say, or not plainly."""
    group = headers.get("X-Ratelimit-Group", "").strip()
    match = _LIMIT.fullmatch(headers.get("X-Ratelimit-Limit", ""))
    limit = Limit(group, int(match[1]), int(match[2]) * _UNIT_SECONDS[match[3]]) if match else None
    if limit and _GROUP.fullmatch(group) and limit.tokens > 0 and 0 < limit.window_seconds <= LONGEST_WINDOW_SECONDS:
        return LimitSeen(limit, _number(headers.get("X-Ratelimit-Remaining")))
    errors_left = _number(headers.get("X-ESI-Error-Limit-Remain"))
    return None if errors_left is None else LimitSeen(ERROR_LIMIT, errors_left)


def _number(value: str | None) -> int | None:
    value = (value or "").strip()
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None
