"""Of the connections to Postgres, whoever is not logged in has a few at a time: never all of them.

However many ask, and however long their statements take, the others are left to those who are logged in.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import asyncpg

AT_ONCE = 3
"""Connections of a process for all strangers together; of the ten that a pool has."""

_asks: ContextVar[bool] = ContextVar("a stranger asks", default=False)


def a_stranger_asks() -> None:
    """From now on, and for as long as this task runs, what is asked is for somebody who is not logged in."""
    _asks.set(True)


def is_a_stranger() -> bool:
    """Whether it is."""
    return _asks.get()


class StrangersTurn:
    """A connection of the pool once it is a stranger's turn; for `async with`, as what `Pool.acquire` returns.

    Raises:
        TimeoutError: their turn did not come within `seconds`.
    """

    def __init__(self, turns: asyncio.Semaphore, acquiring: Any, seconds: float | None) -> None:
        self._turns = turns
        self._acquiring = acquiring
        self._seconds = seconds

    async def __aenter__(self) -> asyncpg.pool.PoolConnectionProxy[Any]:
        async with asyncio.timeout(self._seconds):
            await self._turns.acquire()
        try:
            connection: asyncpg.pool.PoolConnectionProxy[Any] = await self._acquiring.__aenter__()
        except BaseException:
            self._turns.release()
            raise
        return connection

    async def __aexit__(self, *raised: object) -> None:
        try:
            await self._acquiring.__aexit__(*raised)
        finally:
            self._turns.release()
