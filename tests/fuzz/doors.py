"""How many inputs a door is tried with, and how many it was."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings

LONG, SHORT = "long", "short"
TIMES = 300
"""So many times the inputs of the short profile at most."""
INPUT_SECONDS = 30.0
"""No input may keep anything busy for longer; far more than any needs where other programs run, too."""
TRIED: Counter[str] = Counter()
"""Inputs by door, of this process."""

_ALL: dict[str, Any] = {
    "deadline": None,  # of a loaded machine; `INPUT_SECONDS` bounds the work
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
settings.register_profile(SHORT, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate], **_ALL)
settings.register_profile(LONG, derandomize=False, **_ALL)


def is_long() -> bool:
    """Whether this is `make fuzz`."""
    return settings.get_current_profile_name() == LONG


def door(name: str, short: int, seconds: float = 15.0) -> Callable[[Any], Any]:
    """For a `@given` test below it: count what it is tried with under this name.

    Args:
        short: inputs in the ordinary suite.
        seconds: how long it is tried in the long profile, however slow the machine is.
    """

    def opened(test: Any) -> Any:
        tried, inner = _Tried(name, seconds), test.hypothesis.inner_test

        if inspect.iscoroutinefunction(inner):

            @functools.wraps(inner)
            async def counted(*arguments: Any, **named: Any) -> None:
                with tried.another():
                    async with asyncio.timeout(INPUT_SECONDS):
                        await inner(*arguments, **named)
        else:

            @functools.wraps(inner)
            def counted(*arguments: Any, **named: Any) -> None:
                with tried.another():
                    inner(*arguments, **named)

        test.hypothesis.inner_test = counted
        if is_long():
            return settings(settings.get_profile(LONG), max_examples=short * TIMES)(test)
        return settings(settings.get_profile(SHORT), max_examples=short)(test)

    return opened


class TimeIsOver(unittest.SkipTest):
    """Hypothesis ends a test at once when it is skipped; `conftest.py` takes it for passed."""


class _Tried:
    def __init__(self, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._began: float | None = None
        self._failed = False

    @contextmanager
    def another(self) -> Iterator[None]:
        """Try an input, and count it.

        Raises:
            TimeIsOver: no further input. One that failed is made smaller first, however long that takes.
        """
        now = time.monotonic()
        self._began = self._began or now
        if is_long() and not self._failed and now - self._began > self._seconds:
            raise TimeIsOver("the time is over")
        TRIED[self._name] += 1
        try:
            yield
            assert time.monotonic() - now < INPUT_SECONDS, "this input kept everything busy for too long"
        except Exception:
            self._failed = True
            raise
