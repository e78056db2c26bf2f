"""A pilot wants their whole history from the public archive."""

from __future__ import annotations

import asyncio
import logging

from api.orders.requests import DELAYED, PATIENCE_SECONDS, Refusal
from api.services import Services
from contracts.plurals import counted
from db.accounts.sessions import Caller
from db.intake.history import HistoryProgress, ask_for_history
from temporal.archive import start_archive_history
from temporal.connection import TEMPORAL_IS_AWAY

log = logging.getLogger(__name__)

NO_ARCHIVE = Refusal("NO_ARCHIVE", "This installation reads no archive (ARCHIVE_URL is off).")


async def request_history(services: Services, caller: Caller) -> Refusal | None:
    """Have every day of the archive read for the account's pilots and corporations; None: it is under way.

    `DELAYED`: it is remembered, and begins within minutes.
    """
    if not services.settings.archive_url:
        return NO_ARCHIVE
    await ask_for_history(services.pool, caller.account_id)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await start_archive_history(services.temporal, asked=True)
    except TEMPORAL_IS_AWAY as error:
        log.warning("left the history of account %d to the watchdog: %s", caller.account_id, error or "no answer")
        return DELAYED
    return None


def history_sentence(progress: HistoryProgress | None) -> str:
    """How far it is, for people."""
    if progress is None:
        return "Not asked for yet."
    if progress.finished_at is not None:
        return f"All {progress.total:,} days were read."
    told = f"{progress.done:,} of {progress.total:,} days read, newest first"
    if progress.left is None:
        return f"{told}."
    minutes = int(progress.left.total_seconds() // 60) + 1
    return f"{told}; about {counted(-(-minutes // 60), 'hour') if minutes > 90 else counted(minutes, 'minute')} left."
