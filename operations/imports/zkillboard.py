"""`killreport import-zkillboard CHARACTER_ID`: estimate, start, follow and cancel the import of a pilot's history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from contracts.import_sentences import estimate_sentence
from contracts.imports import ENDED, Estimate, ImportAccount, ImportState, zkillboard_import_id
from db.intake.imports import ShownImport, forget_import, imports_of, request_import
from operations.connections import database, temporal_client, temporal_failures
from operations.failure import OperationFailed
from operations.signals import user_name
from operations.sync import SyncSeen
from settings import Settings
from temporal.handles import WorkflowNotRunning
from temporal.zkillboard_import import cancel_import, start_import

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Imported:
    """A finished import. `message` is its account in a sentence."""

    character_id: int
    name: str
    message: str
    account: ImportAccount
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimated:
    """How much an import would bring, or brings if one is running. `message` is the same in a sentence."""

    character_id: int
    name: str
    message: str
    estimate: Estimate


async def import_history(
    settings: Settings, character_id: int, *, timeout_seconds: float, on_progress: Callable[[SyncSeen], None]
) -> Imported:
    """Start an import, or join the running one, and wait until it is finished.

    Raises:
        OperationFailed: the character never logged in, a service is away, or it did not finish in `timeout_seconds`.
    """
    began = datetime.now(UTC)
    async with database(settings) as pool:
        name = await user_name(pool, character_id)
        client = await temporal_client(settings)
        handle = await _start(settings, pool, client, character_id, ask_first=False)
        with temporal_failures(settings):
            try:
                async with asyncio.timeout(timeout_seconds):
                    account = await _followed(pool, character_id, asyncio.ensure_future(handle.result()), on_progress)
            except WorkflowFailureError as error:
                raise OperationFailed(
                    f"The import of {name} was stopped in Temporal; what it had stored stays. Run this again to"
                    " start it again."
                ) from error
            except TimeoutError:
                raise OperationFailed(
                    f"The import of {name} was not finished within {timeout_seconds:.0f} seconds. It goes on by itself"
                    f" (workflow {zkillboard_import_id(character_id)}) as long as a worker is running. Run this"
                    " again to follow it."
                ) from None
        shown = await _shown(pool, character_id)
    message = shown.message if shown is not None else "The character was removed meanwhile."
    return Imported(character_id, name, message, account, (datetime.now(UTC) - began).total_seconds())


async def estimate_import(settings: Settings, character_id: int, *, timeout_seconds: float) -> Estimated:
    """Ask zKillboard how much there is. An import that this begins waits a day for the pilot's consent, then ends.

    Raises:
        OperationFailed: the character never logged in, a service is away, or there is no estimate in time.
    """
    async with database(settings) as pool:
        name = await user_name(pool, character_id)
        client = await temporal_client(settings)
        await _start(settings, pool, client, character_id, ask_first=True)
        try:
            async with asyncio.timeout(timeout_seconds):
                shown = await _shown(pool, character_id)
                while shown is not None and shown.estimate is None and shown.running:
                    await asyncio.sleep(POLL_SECONDS)
                    shown = await _shown(pool, character_id)
        except TimeoutError:
            raise OperationFailed(
                f"There was no estimate within {timeout_seconds:.0f} seconds. Is a worker running? See"
                " `killreport status`."
            ) from None
    if shown is None or shown.state is ImportState.FAILED:
        raise OperationFailed(shown.message if shown is not None else f"{name} was removed meanwhile.")
    estimate = shown.estimate or Estimate()
    return Estimated(character_id, name, estimate_sentence(estimate), estimate)


async def cancel(settings: Settings, character_id: int) -> str:
    """Stop the character's import and return the character's name.

    Raises:
        OperationFailed: the character never logged in, no import runs, or a service is away.
    """
    async with database(settings) as pool:
        name = await user_name(pool, character_id)
    client: Client = await temporal_client(settings)
    try:
        with temporal_failures(settings):
            await cancel_import(client, character_id, "killreport import-zkillboard --cancel")
    except WorkflowNotRunning as error:
        raise OperationFailed(f"No import of {name} is running.") from error
    return name


async def _start(
    settings: Settings,
    pool: asyncpg.Pool[asyncpg.Record],
    client: Client,
    character_id: int,
    *,
    ask_first: bool,
) -> WorkflowHandle[object, ImportAccount]:
    requested = await request_import(pool, character_id)
    try:
        with temporal_failures(settings):
            return await start_import(client, character_id, ask_first=ask_first, reason="killreport import-zkillboard")
    except OperationFailed:
        if requested:  # if it was started all the same, it records itself
            await forget_import(pool, character_id)
        raise


async def _followed(
    pool: asyncpg.Pool[asyncpg.Record],
    character_id: int,
    result: asyncio.Future[ImportAccount],
    on_progress: Callable[[SyncSeen], None],
) -> ImportAccount:
    try:
        while not (await asyncio.wait({result}, timeout=POLL_SECONDS))[0]:
            shown = await _shown(pool, character_id)
            if shown is not None and shown.state not in ENDED:
                done, total = (shown.progress.done, shown.progress.total) if shown.progress else (0, 0)
                on_progress(SyncSeen(shown.message, done, total))
        return result.result()
    finally:
        result.cancel()


async def _shown(pool: asyncpg.Pool[asyncpg.Record], character_id: int) -> ShownImport | None:
    return (await imports_of(pool, [character_id])).get(character_id)
