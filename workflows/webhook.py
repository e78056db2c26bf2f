"""`Webhook`: what arrives is told to one target, in order, for as long as there is something to tell."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.webhooks import Delivered, DeliverWebhook, WebhookRun, webhook_id_of

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of, sleep_after
    from workflows.new_run import continue_as_new, history_is_long

PAUSE = timedelta(minutes=1)
FAILURES = 60
"""In a row, of our own database or worker; then the watchdog begins anew."""


@workflow.defn(name="Webhook")
class WebhookWorkflow:
    """Id `webhook-<webhook_id>`. Its state stands in Postgres: it ends when nothing waits, a killmail starts it."""

    def __init__(self) -> None:
        self._woken = False

    @workflow.run
    async def run(self, asked: WebhookRun) -> None:
        if asked.gather_seconds:
            await workflow.sleep(timedelta(seconds=asked.gather_seconds), summary="gather what comes together")
        request, failures, sent = DeliverWebhook(asked.webhook_id), 0, 0
        priority = Priority(
            priority_key=PRIORITY_OF[CallClass.LIVE], fairness_key=webhook_id_of(asked.webhook_id)
        )  # fmt: skip
        while failures < FAILURES:
            self._woken = False
            try:
                delivered = await call(activities.DELIVER_WEBHOOK, request, priority)
            except ActivityError as error:
                failures += 1
                await sleep_after(failure_of(error), PAUSE)
                continue
            failures, sent = 0, sent + delivered.sent
            workflow.set_current_details(_told(delivered, sent))
            if not await self._goes_on(delivered):
                return
            if history_is_long():
                continue_as_new(WebhookRun(asked.webhook_id, 0))

    async def _goes_on(self, delivered: Delivered) -> bool:
        """Whether there is more to do; a target that is to be tried again later is waited for."""
        if delivered.more or self._woken:
            return True
        if delivered.next_at is None:
            return False
        wait = max(delivered.next_at - workflow.now(), timedelta(seconds=0.1))
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=wait, timeout_summary="try the target again")
        except TimeoutError:
            return True
        return True

    @workflow.signal
    def wake(self) -> None:
        """Something arrived, or its owner wants it to be tried now."""
        self._woken = True


def _told(delivered: Delivered, sent: int) -> str:
    waits = f" The target is tried again at {delivered.next_at:%H:%M:%S} UTC." if delivered.next_at else ""
    return f"{sent:,} messages sent.{waits}"
