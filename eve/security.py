"""A solar system's security as EVE shows it, for every page and answer that does.

Source: EVE developer documentation, "System security".
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

SecurityClass = Literal["HIGH_SEC", "LOW_SEC", "NULL_SEC"]

HIGH_SEC_FROM = 0.45
"""True security from which a system is high security; it is shown as 0.5."""
LEAST, MOST = -10.0, 10.0
"""Bounds of what is shown; a system's is between -1 and 1."""
KNOWN_SPACE_CLASSES = frozenset({7, 8, 9})
"""Wormhole classes by which EVE's static data says high, low and null security: no wormhole space at all."""


def shown_security(status: float | None) -> str:
    """One decimal, half up; what is just above 0.0 counts as 0.1. "?" while the true security is unknown."""
    if status is None:
        return "?"
    if 0 < status < 0.05:
        return "0.1"
    rounded = Decimal(repr(min(max(status, LEAST), MOST))).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return "0.0" if rounded == 0 else str(rounded)


def security_class(status: float | None) -> SecurityClass | None:
    """Which rules of engagement hold there; None while the true security is unknown."""
    if status is None:
        return None
    if status >= HIGH_SEC_FROM:
        return "HIGH_SEC"
    return "LOW_SEC" if status > 0 else "NULL_SEC"


def wormhole_class(told: int | None) -> int | None:
    """The class of a system of wormhole space (1 to 6, 12 to 18…); None in known space."""
    return None if told in KNOWN_SPACE_CLASSES else told
