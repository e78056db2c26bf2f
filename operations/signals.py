"""`killreport sync`, `pause` and `resume`: signals to one pilot's workflow, or to all of them at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncpg
from temporalio.api.enums.v1 import BatchOperationState
from temporalio.api.workflowservice.v1 import DescribeBatchOperationRequest
from temporalio.client import Client
from temporalio.service import RPCError

from contracts.sync import SyncStatus, user_sync_id
from operations.connections import database, temporal_client, temporal_failures
from operations.failure import OperationFailed
from settings import Settings
from temporal.batch_signals import AnotherBatchRuns, start_signal_for_all
from temporal.handles import WorkflowNotRunning
from temporal.user_sync import query_status, signal_user_sync

BATCH_SECONDS = 600.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Signalled:
    """A batch signal's outcome; `job_id`: for `temporal batch describe --job-id`, empty if nobody was signalled."""

    signalled: int
    failed: int
    job_id: str


async def user_name(pool: asyncpg.Pool[asyncpg.Record], character_id: int) -> str:
    """The name of a character that has logged in.

    Raises:
        OperationFailed: it never did.
    """
    name = await pool.fetchval("SELECT name FROM users WHERE character_id = $1", character_id)
    if name is None:
        raise OperationFailed(f"Character {character_id} has never logged in here, so there is nothing to sync.")
    return str(name)


async def send(settings: Settings, client: Client, character_id: int, signal: str, reason: str) -> None:
    """Signal one pilot's workflow.

    Raises:
        OperationFailed: it is not running, or Temporal is away.
    """
    try:
        with temporal_failures(settings):
            await signal_user_sync(client, character_id, signal, reason)
    except WorkflowNotRunning as error:
        raise OperationFailed(
            f"The workflow {user_sync_id(character_id)} is not running; the watchdog starts it within five minutes"
            " if the character may be synced. `killreport status` shows the pilots by state."
        ) from error


async def ask_status(settings: Settings, client: Client, character_id: int) -> SyncStatus:
    """What the workflow says about itself.

    Raises:
        OperationFailed: it is not running, no worker answers, or Temporal is away.
    """
    try:
        with temporal_failures(settings):
            return await query_status(client, character_id)
    except WorkflowNotRunning as error:
        raise OperationFailed(f"The workflow {user_sync_id(character_id)} is not running.") from error


async def signal_one(settings: Settings, character_id: int, signal: str, reason: str) -> tuple[str, SyncStatus | None]:
    """Signal one pilot's workflow, then ask it for its status.

    Returns:
        The character's name, and the workflow's status; None if no worker answers. The signal waits for one.

    Raises:
        OperationFailed: unknown character, workflow not running, or a service is away.
    """
    async with database(settings) as pool:
        name = await user_name(pool, character_id)
    client = await temporal_client(settings)
    await send(settings, client, character_id, signal, reason)
    try:
        return name, await ask_status(settings, client, character_id)
    except OperationFailed as failed:
        if isinstance(failed.__cause__, RPCError):  # a query needs a worker, which the signal does not
            return name, None
        raise


async def signal_all(settings: Settings, signal: str, reason: str) -> Signalled:
    """Signal every running `UserSync` by a batch of Temporal's, and wait until it is finished.

    Raises:
        OperationFailed: Temporal is away, or neither the batch nor one before it was finished within `BATCH_SECONDS`.
    """
    client = await temporal_client(settings)
    with temporal_failures(settings):
        try:
            job_id = await start_signal_for_all(client, signal, reason, patience_seconds=BATCH_SECONDS)
        except AnotherBatchRuns as error:
            raise OperationFailed(f"{error} `temporal batch list` shows it.") from error
        if job_id is None:
            return Signalled(0, 0, "")
        return await _finished_batch(client, job_id)


async def _finished_batch(client: Client, job_id: str) -> Signalled:
    request = DescribeBatchOperationRequest(namespace=client.namespace, job_id=job_id)
    deadline = asyncio.get_running_loop().time() + BATCH_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        batch = await client.workflow_service.describe_batch_operation(request)
        if batch.state == BatchOperationState.BATCH_OPERATION_STATE_COMPLETED:
            return Signalled(batch.complete_operation_count, batch.failure_operation_count, job_id)
        if batch.state == BatchOperationState.BATCH_OPERATION_STATE_FAILED:
            raise OperationFailed(f"The batch failed; look at it with `temporal batch describe --job-id {job_id}`.")
        await asyncio.sleep(POLL_SECONDS)
    raise OperationFailed(f"The batch is still running; look at it with `temporal batch describe --job-id {job_id}`.")
