"""What a bench comes to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """The lines to print, and what does not hold of what the project claims."""

    lines: list[str]
    broken: list[str]


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
