"""`deliver_webhook`: what a webhook has to tell is sent, in order, each killmail once."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
from prometheus_client import Counter
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from activities.webhook_bodies import Form, written
from activities.webhook_mail import Letter, Mailer
from activities.webhook_messages import signed
from activities.webhook_target import Answer, WebhookTargets
from contracts.webhooks import Delivered, DeliverWebhook, is_discord
from db.accounts.vault import TokenVault
from db.webhooks import editions
from db.webhooks.hooks import MAILTO, Pause
from db.webhooks.queue import (
    Message,
    next_message,
    note_failure,
    note_refused,
    note_sent,
    pause,
    skip_all,
    skip_message,
    try_again_at,
)
from db.webhooks.taking import Hook, NotSent, hook_of, hooks_behind, hooks_on, take_on
from settings import Settings
from temporal.webhooks import wake_webhook

logger = logging.getLogger(__name__)

WAKE_AT_MOST = 2_000
"""Webhooks in one run of the watchdog; the next is five minutes away."""
AT_ONCE = 20
"""Messages of one call: with a target that takes ten seconds for each, the call ends in time."""
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=15), timedelta(hours=1)
SHORTEST_WAIT = timedelta(seconds=1)
"""Whatever a target asks for."""
GIVEN_UP_AFTER = timedelta(days=1)
GONE = 410
NEVER_TAKEN = (400, 413, 422)
"""Discord's answers to a message that it will not take the next time either."""
REMOVED_AT_DISCORD = (401, 403, 404)
_GONE = {Form.STANDARD: (GONE,), Form.DISCORD: (GONE, *REMOVED_AT_DISCORD), Form.MAIL: ()}
MESSAGES = Counter("killreport_webhook_messages", "Messages of webhooks, by what became of an attempt.", ["outcome"])
for _outcome in ("sent", "failed", "refused", "paused"):
    MESSAGES.labels(_outcome)


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a message goes and how it is written."""

    url: str
    secret: str = field(repr=False)
    form: Form

    @property
    def is_discord(self) -> bool:
        """It takes no signature, and refuses what it does not understand."""
        return self.form is Form.DISCORD


class Webhooks:
    """The step of `Webhook`. A process may die at any line: what was sent and not noted is sent again under its id."""

    def __init__(self, pool: asyncpg.Pool, vault: TokenVault, targets: WebhookTargets, settings: Settings) -> None:
        self._pool = pool
        self._vault = vault
        self._targets = targets
        self._settings = settings
        self._mailer = Mailer(settings)

    @activity.defn
    async def deliver_webhook(self, request: DeliverWebhook) -> Delivered:
        """Compare what arrived with what is wanted, then send what waits until the target does not take it.

        Raises:
            VaultError: no key opens its address now. It waits: the key may come back, or another worker has it.
        """
        done = Delivered()
        hook = await hook_of(self._pool, request.webhook_id, self._settings.admin_character_ids)
        if hook is None or hook.is_paused:
            return done
        done.more = await take_on(self._pool, hook)
        if not hook.holds:
            done.skipped = await skip_all(self._pool, hook, NotSent.NOT_YOURS)
            return done
        if hook.next_attempt_at is not None and hook.next_attempt_at > datetime.now(UTC):
            done.next_at = hook.next_attempt_at
            return done
        if (way := await self._way(hook)) is None:
            return done
        for _ in range(AT_ONCE):
            message = await next_message(self._pool, hook)
            if message is None:
                return done
            if not await self._send(hook, way, message, done):
                return done
            activity.heartbeat()
        done.more = True
        return done

    async def _way(self, hook: Hook) -> _Way | None:
        if hook.target is None or hook.secret is None:
            return None
        url, secret = self._vault.decrypt(hook.target), self._vault.decrypt(hook.secret)
        if hook.is_mail:
            return _Way(url.removeprefix(MAILTO), secret, Form.MAIL)
        form = Form.DISCORD if is_discord(url, stand_ins=self._targets.private) else Form.STANDARD
        return _Way(url, secret, form)

    async def _send(self, hook: Hook, way: _Way, message: Message, done: Delivered) -> bool:
        """Whether what comes next may be sent."""
        body = await written(self._pool, self._settings, hook, message, way.form, way.secret)
        if isinstance(body, NotSent):
            await skip_message(self._pool, message, body)
            done.skipped += 1
            return True
        answer = await self._hand_over(way, message, body)
        if answer.is_taken:
            assert answer.status is not None  # noqa: S101 - it was taken
            await note_sent(self._pool, hook, message, answer.status)
            done.sent += 1
            MESSAGES.labels("sent").inc()
            return True
        if way.is_discord and answer.status in NEVER_TAKEN:
            await note_refused(self._pool, message, answer.status)
            MESSAGES.labels("refused").inc()
            return True
        await self._give_way(hook, way, message, answer, done)
        return False

    async def _hand_over(self, way: _Way, message: Message, body: bytes | Letter) -> Answer:
        if isinstance(body, Letter):
            return await self._mailer.send(way.url, body, way.secret)
        headers = {} if way.is_discord else signed(way.secret, message.message_id, body, datetime.now(UTC))
        return await self._targets.post(way.url, body, headers)

    async def _give_way(self, hook: Hook, way: _Way, message: Message, answer: Answer, done: Delivered) -> None:
        """It failed: come back later, or never."""
        failures, lasted = await note_failure(
            self._pool, hook, message, answer.reason, answer.status, within=GIVEN_UP_AFTER
        )
        MESSAGES.labels("failed").inc()
        is_gone = answer.is_gone or answer.status in _GONE[way.form]
        if is_gone or lasted > GIVEN_UP_AFTER:
            await pause(self._pool, hook, Pause.GONE if is_gone else Pause.FAILED)
            MESSAGES.labels("paused").inc()
            done.more = False
            return
        wait = answer.retry_after
        if wait is None:
            wait = min(FIRST_RETRY * 2 ** min(failures - 1, 20), LONGEST_RETRY)
        done.next_at = datetime.now(UTC) + max(wait, SHORTEST_WAIT)
        await try_again_at(self._pool, hook, done.next_at)


class WebhookBell:
    """Wakes the workflows of webhooks; whoever is not heard is woken by the watchdog, within minutes."""

    def __init__(self, pool: asyncpg.Pool, client: Client) -> None:
        self._pool = pool
        self._client = client

    async def ring(self, killmail_ids: Sequence[int]) -> None:
        """These arrived just now."""
        if killmail_ids:
            await self._wake(await hooks_on(self._pool, killmail_ids))

    async def ring_who_is_behind(self) -> int:
        """How many webhooks had something to do. Digests that are due are made, and so have."""
        while await editions.make_due_editions(self._pool) == editions.MADE_AT_ONCE:
            pass  # most are due at the same hour, and what was made is not due any more
        behind = (await hooks_behind(self._pool))[:WAKE_AT_MOST]
        await self._wake(behind)
        return len(behind)

    async def _wake(self, webhook_ids: Collection[int]) -> None:
        try:
            for webhook_id in webhook_ids:
                await wake_webhook(self._client, webhook_id)
        except RPCError as error:
            logger.warning("Webhooks are left to the watchdog: Temporal does not answer (%s).", error.status.name)
