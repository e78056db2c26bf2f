"""Wait for what a workflow will say, instead of for a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from contracts.imports import ImportState, ImportStatus
from contracts.sync import SyncState, SyncStatus
from temporal.corporation_sync import query_corporation_status
from temporal.handles import WorkflowNotRunning
from temporal.user_sync import query_status
from temporal.zkillboard_import import query_import

Status = TypeVar("Status")

CHARACTER = 90000001
CORPORATION = 98000001
SECONDS = 60
"""Far more than anything takes, for a machine that is busy with other things."""


async def looks() -> AsyncIterator[None]:
    """Look again and again, soon at first: a query costs worker and server more than what is waited for does.

    Raises:
        TimeoutError: a minute has passed.
    """
    deadline, pause = asyncio.get_running_loop().time() + SECONDS, 0.01
    while asyncio.get_running_loop().time() < deadline:
        yield
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    raise TimeoutError


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until the condition holds; TimeoutError if it never does."""
    async for _ in looks():
        if await condition():
            return


async def until(client: Client, condition: Callable[[SyncStatus], bool], character_id: int = CHARACTER) -> SyncStatus:
    """The first status of the character's sync that meets the condition."""
    return await _first(lambda: query_status(client, character_id), condition)


async def until_corporation(
    client: Client, condition: Callable[[SyncStatus], bool], corporation_id: int = CORPORATION
) -> SyncStatus:
    """The first status of the corporation's sync that meets the condition."""
    return await _first(lambda: query_corporation_status(client, corporation_id), condition)


async def until_import(
    client: Client, condition: Callable[[ImportStatus], bool], character_id: int = CHARACTER
) -> ImportStatus:
    """The first status of the character's import that meets the condition."""
    return await _first(lambda: query_import(client, character_id), condition)


async def _first(ask: Callable[[], Awaitable[Status]], condition: Callable[[Status], bool]) -> Status:
    async for _ in looks():
        # It may not have begun, its task may have failed, or no worker may answer: it is tried again.
        with contextlib.suppress(WorkflowNotRunning, WorkflowQueryFailedError, RPCError):
            status = await ask()
            if condition(status):
                return status
    raise AssertionError  # it looks until its time is over


def ok(status: SyncStatus) -> bool:
    return status.state == SyncState.OK


def after(looks: int) -> Callable[[SyncStatus], bool]:
    """So many looks are over, well or not."""
    return lambda status: status.cycles == looks


def shows(state: ImportState) -> Callable[[ImportStatus], bool]:
    """The import is in this state."""
    return lambda status: status.state is state
