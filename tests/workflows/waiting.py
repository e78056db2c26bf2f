"""Wait for what a workflow will say, instead of for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from contracts.imports import ImportState, ImportStatus
from contracts.sync import SyncState, SyncStatus
from temporal.user_sync import query_status
from temporal.zkillboard_import import query_import

CHARACTER = 90000001
SECONDS = 60
"""Far more than anything takes, for a machine that is busy with other things."""


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until the condition holds; TimeoutError if it never does."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 - the condition is another process's
            await asyncio.sleep(0.02)


async def until(client: Client, condition: Callable[[SyncStatus], bool], character_id: int = CHARACTER) -> SyncStatus:
    """The first status that meets the condition."""
    status = SyncStatus()

    async def met() -> bool:
        nonlocal status
        try:
            status = await query_status(client, character_id)
        except WorkflowQueryFailedError:  # the workflow's task failed, and is tried again
            return False
        return condition(status)

    await eventually(met)
    return status


async def until_import(
    client: Client, condition: Callable[[ImportStatus], bool], character_id: int = CHARACTER
) -> ImportStatus:
    """The first status of the character's import that meets the condition."""
    status = ImportStatus()

    async def met() -> bool:
        nonlocal status
        try:
            status = await query_import(client, character_id)
        except (WorkflowQueryFailedError, RPCError):  # its task is tried again, or no worker answers
            return False
        return condition(status)

    await eventually(met)
    return status


def ok(status: SyncStatus) -> bool:
    return status.state == SyncState.OK


def after(looks: int) -> Callable[[SyncStatus], bool]:
    """So many looks are over, well or not."""
    return lambda status: status.cycles == looks


def shows(state: ImportState) -> Callable[[ImportStatus], bool]:
    """The import is in this state."""
    return lambda status: status.state is state
