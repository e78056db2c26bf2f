"""A worker holds many tasks of workflows it remembers, and few of those it must replay first."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from temporalio.worker import SlotPermit

from temporal.workflow_slots import WorkflowSlots

REMEMBERED: Any = SimpleNamespace(is_sticky=True)
REPLAYED: Any = SimpleNamespace(is_sticky=False)


def given_back(permit: SlotPermit) -> Any:
    return SimpleNamespace(slot_info=None, permit=permit)


async def test_replays_take_no_slot_of_others_and_get_theirs_back_from_any_thread() -> None:
    slots = WorkflowSlots(remembered=3, replayed=1)
    first = await slots.reserve_slot(REPLAYED)
    waiting = asyncio.create_task(slots.reserve_slot(REPLAYED))
    others = [await asyncio.wait_for(slots.reserve_slot(REMEMBERED), 5) for _ in range(3)]
    assert not waiting.done()
    await asyncio.to_thread(slots.release_slot, given_back(others[0]))
    await asyncio.wait_for(slots.reserve_slot(REMEMBERED), 5)
    assert not waiting.done(), "a slot of the others is none for a replay"
    await asyncio.to_thread(slots.release_slot, given_back(first))
    await asyncio.wait_for(waiting, 5)
    assert slots.try_reserve_slot(REMEMBERED) is None
