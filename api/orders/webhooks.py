"""What an account may order about its webhooks. From their page or over GraphQL."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import asyncpg

from api.orders.requests import NOBODYS_SIDE, PATIENCE_SECONDS, Refusal
from api.services import Services
from contracts.webhooks import BadTarget, check_mail_address, check_target
from db.accounts.sessions import Caller, new_secret
from db.webhooks import hooks
from db.webhooks.hooks import MOST_WEBHOOKS, NewWebhook, NotYours, TooManyWebhooks
from db.webhooks.recipients import may_be_asked
from db.webhooks.shown import ShownWebhook, account_webhooks
from db.webhooks.subjects import is_nobodys_side
from db.webhooks.taking import hooks_on
from temporal.connection import TEMPORAL_IS_AWAY
from temporal.webhooks import wake_webhook

log = logging.getLogger(__name__)

WebhookOrder = Literal["delete", "pause", "resume", "test", "redrive"]
_DO: dict[WebhookOrder, Callable[[asyncpg.Pool, int, int], Awaitable[bool]]] = {
    "delete": hooks.delete_webhook,
    "pause": hooks.pause_webhook,
    "resume": hooks.resume_webhook,
    "test": hooks.test_webhook,
    "redrive": hooks.redrive_webhook,
}
ORDERS = tuple(_DO)
NOT_YOURS = Refusal(
    "NOT_YOURS",
    "A webhook tells of your own characters' killmails, of a corporation's that you direct, or of all of them if you"
    " are an operator.",
)
TOO_MANY = Refusal("TOO_MANY", f"You have {MOST_WEBHOOKS} webhooks; delete one first.")
NOT_FOUND = Refusal("NOT_FOUND", "There is no such webhook in your account.")
UNSOUND = Refusal(
    "BAD_USER_INPUT",
    f"Give it a name of 1 to {hooks.LONGEST_NAME} characters, an age of 5 to 1,440 minutes, and 1 to"
    f" {hooks.MOST_BURST} killmails for a digest. Only a corporation's webhook tells of claims."
    " A digest has a time, and is of a character or a corporation; mail is for digests alone.",
)


@dataclass(frozen=True, slots=True)
class MadeWebhook:
    """A webhook that was just made; its secret is shown now and never again. Empty: it is one of mail."""

    webhook_id: int
    name: str
    secret: str = field(repr=False)


TOO_MANY_MAILS = Refusal(
    "TOO_MANY_MAILS", "This address, or your account, was sent enough mails that ask for a confirmation; wait a day."
)
NO_MAIL = Refusal("NO_MAIL", "This installation sends no mail.")
PAUSED = Refusal("PAUSED", "This webhook is paused, so nothing is sent. Resume it, then test it.")
UNCONFIRMED = Refusal("UNCONFIRMED", "Nothing is sent to this address before the link in its first mail is confirmed.")


async def make_webhook(services: Services, caller: Caller, new: NewWebhook) -> MadeWebhook | Refusal:
    """Make a webhook with a secret of its own. One of mail shows none, and first sends what asks for confirmation."""
    if new.is_mail and not services.settings.smtp_url.get_secret_value():
        return NO_MAIL
    try:
        host = _host_of(services, new)
    except BadTarget as error:
        return Refusal("BAD_TARGET", str(error))
    new = replace(new, name=" ".join(new.name.split()), target_host=host)
    if not new.is_sound:
        return UNSOUND
    if is_nobodys_side(new.subject, new.chosen):
        return NOBODYS_SIDE
    if new.is_mail and not await may_be_asked(services.pool, caller.account_id, new.target.removeprefix(hooks.MAILTO)):
        return TOO_MANY_MAILS
    secret = new_secret() if new.is_mail else f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    operators = services.settings.admin_character_ids
    try:
        made = await hooks.create_webhook(services.pool, services.vault, caller.account_id, new, secret, operators)
    except NotYours:
        return NOT_YOURS
    except TooManyWebhooks:
        return TOO_MANY
    if not new.is_mail:
        return MadeWebhook(made, new.name, secret)
    await _wake(services, made)
    return MadeWebhook(made, new.name, "")


def _host_of(services: Services, new: NewWebhook) -> str:
    if new.is_mail:
        return check_mail_address(new.target.removeprefix(hooks.MAILTO))
    return check_target(new.target, private=services.settings.webhook_private_targets)


async def order_webhook(services: Services, caller: Caller, webhook_id: int, order: WebhookOrder) -> Refusal | None:
    """Have it done; None: done. What is sent by it is in its log, moments later."""
    if not await _DO[order](services.pool, caller.account_id, webhook_id):
        known = next((one for one in await webhooks_of(services, caller) if one.webhook_id == webhook_id), None)
        if known is None or order != "test":
            return NOT_FOUND
        return UNCONFIRMED if known.paused is None else PAUSED
    if order in ("test", "redrive", "resume"):
        await _wake(services, webhook_id)
    return None


async def _wake(services: Services, webhook_id: int) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await wake_webhook(services.temporal, webhook_id, at_once=True)
    except TEMPORAL_IS_AWAY as error:
        log.warning("left webhook %d to the watchdog: %s", webhook_id, error or "no answer in time")


async def ring_webhooks(services: Services, killmail_ids: Sequence[int]) -> None:
    """These arrived just now: whom they concern is woken. Who is not heard is woken by the watchdog, within minutes."""
    if not killmail_ids:
        return
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for webhook_id in await hooks_on(services.pool, killmail_ids):
                await wake_webhook(services.temporal, webhook_id)
    except TEMPORAL_IS_AWAY as error:
        log.warning("left webhooks to the watchdog: %s", error or "no answer in time")


async def webhooks_of(services: Services, caller: Caller) -> list[ShownWebhook]:
    """The account's webhooks with the last lines of their logs."""
    return await account_webhooks(services.pool, caller.account_id, services.settings.admin_character_ids)


def minute_of_day(told: str) -> int | None:
    """The minute of the day of "22:30"; None: it is none."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", told)
    return None if found is None else int(found[1]) * 60 + int(found[2])


def clock(minute: int | None) -> str | None:
    """The other way round."""
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def quiet_time(begin: str, end: str) -> tuple[int, int] | Refusal | None:
    """A quiet time as it was told; None: none."""
    if not begin and not end:
        return None
    told = (minute_of_day(begin), minute_of_day(end))
    if told[0] is None or told[1] is None:
        return Refusal("BAD_USER_INPUT", "A quiet time has a beginning and an end, such as 22:00 and 07:30.")
    return told[0], told[1]
