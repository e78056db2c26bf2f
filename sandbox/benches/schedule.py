"""The fastest that ESI's buckets allow, on paper, to hold the real thing against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BODY_TOKENS = 2
"""What a killmail's body costs (ESI docs, "Rate limiting")."""


@dataclass(frozen=True)
class Work:
    """So many bodies, which may spend a bucket down to `kept` thousandths of it."""

    bodies: int
    kept: int


def ideal_seconds(tokens: int, window_seconds: float, works: Sequence[Work]) -> float:
    """From the first call to the last if every call took no time: no schedule can be faster.

    A token comes back one window after it was spent, so those that keep at least so much back need as many windows
    as their bodies fill; the first of these is there at once.
    """
    windows = 1
    for work in works:
        room = tokens * (1000 - work.kept) // 1000
        bodies = sum(other.bodies for other in works if other.kept >= work.kept)
        windows = max(windows, math.ceil(bodies * BODY_TOKENS / room))
    return (windows - 1) * window_seconds
