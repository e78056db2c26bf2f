"""What a pilot may order of the import of a character's history, from the settings or over GraphQL."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from api.orders.requests import AWAY, PATIENCE_SECONDS, Refusal
from api.services import Services
from contracts.imports import FinishImport, ImportState
from db.accounts.sessions import Caller
from db.intake.imports import finish_import, forget_import, imports_of, request_import
from temporal.connection import TEMPORAL_IS_AWAY
from temporal.handles import WorkflowNotRunning
from temporal.zkillboard_import import cancel_import, start_import

log = logging.getLogger(__name__)

ImportOrder = Literal["estimate", "start", "cancel"]
END_SECONDS = 2.0
"""How long a cancelled import is waited for, so that the page that follows shows it."""
NOT_RUNNING = Refusal("NOT_RUNNING", "No import is running for this character.")


async def order_import(services: Services, caller: Caller, character_id: int, order: ImportOrder) -> Refusal | None:
    """Do it; None when it was taken. Asked twice, there is one import."""
    if character_id not in caller.character_ids:
        return Refusal("NOT_YOUR_CHARACTER", "This character is not in your account.")
    if order == "cancel":
        return await _cancel(services, character_id)
    requested = await request_import(services.pool, character_id)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await start_import(
                services.temporal, character_id, ask_first=order == "estimate", reason="asked for by the pilot"
            )
    except TEMPORAL_IS_AWAY as error:
        log.warning("could not start the import of %d: %s", character_id, error or "no answer in time")
        if requested:  # if it was started all the same, it shows itself
            await forget_import(services.pool, character_id)
        return AWAY
    return None


async def _cancel(services: Services, character_id: int) -> Refusal | None:
    shown = (await imports_of(services.pool, [character_id])).get(character_id)
    if shown is None or not shown.running:
        return NOT_RUNNING
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await cancel_import(services.temporal, character_id, "asked for by the pilot")
    except WorkflowNotRunning:  # an operator terminated it
        await finish_import(services.pool, FinishImport(character_id, ImportState.CANCELLED))
        return None
    except TEMPORAL_IS_AWAY as error:
        log.warning("could not cancel the import of %d: %s", character_id, error or "no answer in time")
        return AWAY
    deadline = asyncio.get_running_loop().time() + END_SECONDS
    while shown is not None and shown.running and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
        shown = (await imports_of(services.pool, [character_id])).get(character_id)
    return None
