"""Tasks that run for as long as their process: started again when they end, later each time, and never unseen."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
"""A task that ran for so long begins with the first delay again when it ends."""


@dataclass(slots=True)
class _State:
    is_up: bool = True
    restarts: int = 0


class LongLived:
    """The long-lived tasks of a process."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def start(self, name: str, work: Callable[[], Awaitable[None]], lost: Callable[[], None] = lambda: None) -> None:
        """Begin `work`, and again whenever it ends.

        Args:
            name: for logs, readiness and metrics.
            lost: called after each end, before the next beginning: what the work had promised it did not keep.
        """
        self._states[name] = _State()
        self._tasks.add(asyncio.create_task(self._again_and_again(name, work, lost), name=name))

    @property
    def down(self) -> list[str]:
        """Those that have ended and wait to be started again."""
        return [name for name, state in self._states.items() if not state.is_up]

    @property
    def restarts(self) -> dict[str, int]:
        """How often each had to be started again."""
        return {name: state.restarts for name, state in self._states.items()}

    async def cancel(self) -> None:
        """End all of them now."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def end(self) -> None:
        """Wait until all have ended by themselves; none is started again."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def _again_and_again(self, name: str, work: Callable[[], Awaitable[None]], lost: Callable[[], None]) -> None:
        state, delay = self._states[name], FIRST_DELAY_SECONDS
        while True:
            begun = time.monotonic()
            try:
                await work()
                if self._stopping.is_set():
                    return
                log.error("The task %s ended by itself.", name)
            except Exception:
                log.exception("The task %s failed; it is started again in %.1f s at the latest.", name, delay)
            state.is_up, state.restarts = False, state.restarts + 1
            lost()
            if time.monotonic() - begun > HEALTHY_SECONDS:
                delay = FIRST_DELAY_SECONDS
            if await self._stops_within(delay * random.uniform(0.5, 1)):  # noqa: S311 - spreads the processes
                return
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)
            state.is_up = True

    async def _stops_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True
