"""What a bench comes to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Goal:
    """What must be reached: `measured` is to be at most `bound`, or at least; both in `unit`."""

    what: str
    measured: float
    bound: float
    unit: str
    is_most: bool

    @property
    def is_reached(self) -> bool:
        return self.measured <= self.bound if self.is_most else self.measured >= self.bound

    @property
    def asked(self) -> str:
        """The bound, for people."""
        return f"{'≤' if self.is_most else '≥'} {_figure(self.bound)} {self.unit}"

    @property
    def told(self) -> str:
        """What was measured, for people."""
        return f"{_figure(self.measured)} {self.unit}"


def at_most(what: str, measured: float, bound: float, unit: str) -> Goal:
    """`unit` as it stands behind a figure: "ms", "times the floor"."""
    return Goal(what, measured, bound, unit, is_most=True)


def at_least(what: str, measured: float, bound: float, unit: str) -> Goal:
    """The same the other way round."""
    return Goal(what, measured, bound, unit, is_most=False)


@dataclass(frozen=True)
class Measured:
    """The lines to print, what is wrong beside the goals, and the goals."""

    lines: list[str]
    broken: list[str]
    goals: Sequence[Goal] = field(default_factory=list)

    @property
    def missed(self) -> list[str]:
        """Sentences about all that does not hold."""
        return [
            *self.broken,
            *[f"{goal.what}: {goal.told}, not {goal.asked}" for goal in self.goals if not goal.is_reached],
        ]


Say = Callable[[str], None]


@dataclass(frozen=True)
class Bench:
    """`lasts` says how long it takes, to somebody who is about to wait for it."""

    claims: str
    lasts: str
    measure: Callable[[], Coroutine[Any, Any, Measured]]


@dataclass(frozen=True)
class WarBench:
    """One that is measured on a database of so many killmails (`war.py`), which takes minutes to make once."""

    claims: str
    lasts: str
    measure: Callable[[int, Say], Coroutine[Any, Any, Measured]]


@dataclass(frozen=True)
class PilotBench:
    """One that is measured with so many pilots."""

    claims: str
    lasts: str
    measure: Callable[[int], Coroutine[Any, Any, Measured]]


@dataclass(frozen=True)
class LongBench:
    """One that is measured for so many seconds."""

    claims: str
    lasts: str
    measure: Callable[[float], Coroutine[Any, Any, Measured]]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
