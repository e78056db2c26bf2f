"""What a pilot or a director may order about the claim of a loss. From its pages or over GraphQL."""

from __future__ import annotations

import asyncio
import logging

from api.orders.requests import PATIENCE_SECONDS, Refusal
from api.services import Services
from db.accounts.sessions import Caller
from db.reimbursements.changes import change
from db.reimbursements.steps import (
    LONGEST_NOTE,
    NobodyDecides,
    NoStep,
    NotYourLoss,
    Overtaken,
    State,
)
from temporal.connection import TEMPORAL_IS_AWAY
from temporal.webhooks import wake_webhook

log = logging.getLogger(__name__)

NOT_YOURS = Refusal(
    "NOT_YOUR_LOSS", "Only the pilot of a loss and the directors of the corporation they were in can do this."
)
NOBODY_DECIDES = Refusal(
    "NOBODY_DECIDES", "No director of the corporation of that day is here who could decide on a claim."
)
BAD_NOTE = Refusal("BAD_USER_INPUT", f"A note has up to {LONGEST_NOTE} characters.")
WORDS: dict[State | None, str] = {
    None: "not claimed",
    State.CLAIMED: "claimed",
    State.APPROVED: "approved",
    State.PAID: "paid",
    State.REFUSED: "refused",
}
"""What a claim is in each state."""


async def change_claim(
    services: Services, caller: Caller, killmail_id: int, after: State, seen: int, note: str
) -> Refusal | None:
    """Take a claim to another state, or make it; None: done. Webhooks that tell of it are woken.

    Args:
        seen: how many changes of the claim the caller knows of.
    """
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE or not note.isprintable():
        return BAD_NOTE
    try:
        changed = await change(services.pool, caller.account_id, killmail_id, after, seen, note)
    except NotYourLoss:
        return NOT_YOURS
    except NobodyDecides:
        return NOBODY_DECIDES
    except NoStep as error:
        return _no_step(error)
    except Overtaken as error:
        return _overtaken(error)
    await _wake(services, changed.webhook_ids)
    return None


def _no_step(error: NoStep) -> Refusal:
    before, after = WORDS[error.before], WORDS[error.after]
    if error.before is error.after:
        return Refusal("NO_SUCH_STEP", f"This claim is {before} already.")
    return Refusal("NO_SUCH_STEP", f"You cannot mark as {after} what is {before}.")


def _overtaken(error: Overtaken) -> Refusal:
    last = error.last
    who = last.by_name or f"Character {last.by_character_id}"
    note = f' and wrote: "{last.note}"' if last.note else ""
    return Refusal(
        "CHANGED_MEANWHILE",
        f"{who} marked this as {WORDS[last.after]} on {last.changed_at:%Y-%m-%d at %H:%M} EVE time{note}."
        " Look at it again before you change it.",
    )


async def _wake(services: Services, webhook_ids: list[int]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for webhook_id in webhook_ids:
                await wake_webhook(services.temporal, webhook_id, at_once=True)
    except TEMPORAL_IS_AWAY as error:
        log.warning("left the webhooks of a claim to the watchdog: %s", error or "no answer in time")
