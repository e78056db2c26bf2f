"""How many workflow tasks a worker has at a time: many of workflows it remembers, few of those it must replay first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio.worker import (
    CustomSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
)


@dataclass(frozen=True)
class _Permit(SlotPermit):
    is_sticky: bool


class WorkflowSlots(CustomSlotSupplier):
    """A remembered workflow waits for its local activity most of the time, so many may.

    A replay holds the interpreter, and the SDK fails a task that has not answered within 2 s (TMPRL1101): after a
    restart, with all to be replayed, too many at a time would fail one another.

    Args:
        remembered: tasks from the worker's own (sticky) queue.
        replayed: tasks from the queue that all workers share.
    """

    def __init__(self, remembered: int, replayed: int) -> None:
        self._free = {True: asyncio.Semaphore(remembered), False: asyncio.Semaphore(replayed)}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        self._loop = asyncio.get_running_loop()
        await self._free[ctx.is_sticky].acquire()
        return _Permit(ctx.is_sticky)

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:  # noqa: ARG002 - the SDK's signature
        """For tasks that come with the start of a workflow, which we do not ask for."""
        return None

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """It was counted when it was reserved."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """Called from a thread of the SDK's."""
        if isinstance(ctx.permit, _Permit) and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._free[ctx.permit.is_sticky].release)
