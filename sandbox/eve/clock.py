"""Time in the sandbox: the machine's, plus an offset that tests move forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate


class Clock:
    """Unix seconds, UTC. Everything in the sandbox that has an age asks this."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0
        self.on_advance: list[Callable[[], None]] = []

    def now(self) -> float:
        return time.time() + self.offset_seconds

    def advance(self, seconds: float) -> None:
        """Move forward; killmails due in between are made by the listeners."""
        self.offset_seconds += seconds
        for listener in self.on_advance:
            listener()


def iso(moment: float) -> str:
    """RFC 3339 with a Z and whole seconds, as ESI writes times."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def http_date(moment: float) -> str:
    """As HTTP headers write times."""
    return formatdate(int(moment), usegmt=True)
