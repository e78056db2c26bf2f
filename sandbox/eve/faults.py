"""What can be made to go wrong, on one route or all, for a number of requests or at a rate."""

from __future__ import annotations

import itertools
import random
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

ALL_ROUTES = "*"


class FaultKind(StrEnum):
    """How it goes wrong."""

    LATENCY = "latency"
    """`seconds` more, then the true answer."""
    STATUS = "status"
    """`status` with `body`."""
    HTML_502 = "html_502"
    ERROR_LIMITED = "error_limited"
    """420, reset in `seconds`."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After `seconds`."""
    RATE_LIMITED_BARE = "rate_limited_bare"
    """429 without any rate-limit header, as from deep in the game server."""
    LATE = "late"
    """The true answer, `seconds` after it was made: what the request was to do is done."""
    TRUNCATED = "truncated"
    """The true answer's first half, then the connection ends."""
    RESET = "reset"
    """The connection is reset before any answer; what the request was to do is done."""
    DOWNTIME = "downtime"
    """504, or `status`, from every route without a cached answer."""


@dataclass
class Fault:
    """`route` is a path template or "*"; `path`: only paths that begin so. `count` None: until it is removed."""

    kind: FaultKind
    route: str = ALL_ROUTES
    rate: float = 1.0
    count: int | None = None
    status: int | None = None
    seconds: float | None = None
    body: Any = None
    path: str = ""
    fault_id: int = 0

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        if not 0 <= self.rate <= 1:
            raise ValueError("rate must lie between 0 and 1")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Faults:
    """Those switched on; the first that fits a request is its fault."""

    seed: int
    active: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(f"faults {self.seed}")
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        fault.fault_id = next(self._ids)
        self.active.append(fault)
        return fault

    def remove(self, route: str | None = None) -> None:
        """Switch off those of this route; None: all."""
        self.active = [] if route is None else [fault for fault in self.active if fault.route != route]

    def strike(self, route: str, path: str) -> Fault | None:
        """The fault of this request, counted as used; None: none."""
        for fault in self.active:
            hit = fault.route in (route, ALL_ROUTES) and path.startswith(fault.path)
            if hit and (fault.rate >= 1 or self._dice.random() < fault.rate):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.active.remove(fault)
                return fault
        return None
