"""What a webhook has to tell (`Webhook`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from contracts.sync import FailureType
from contracts.task_queues import SYNC_QUEUE
from contracts.webhooks import Delivered, WebhookRun, webhook_id_of
from tests.workflows.scenarios import Scenario
from tests.workflows.scripted import Scripted
from tests.workflows.stand_ins import failure
from tests.workflows.waiting import eventually

HOOK = 7


async def a_target_that_is_ill(client: Client, stand_ins: Scripted) -> str:
    """Our database is away for a moment, then the target is; then all is sent, and more in the same breath."""
    again = Delivered(sent=1, next_at=datetime.now(UTC) + timedelta(hours=1))
    stand_ins.answers["deliver_webhook"] = [
        failure(FailureType.INFRASTRUCTURE), again, Delivered(sent=20, more=True), Delivered(sent=3)
    ]  # fmt: skip
    await client.execute_workflow("Webhook", WebhookRun(HOOK), id=webhook_id_of(HOOK), task_queue=SYNC_QUEUE)
    return webhook_id_of(HOOK)


async def woken_while_it_waits(client: Client, stand_ins: Scripted) -> str:
    """Its owner wants it to be tried now."""
    again = Delivered(next_at=datetime.now(UTC) + timedelta(hours=1))
    stand_ins.answers["deliver_webhook"] = [again, Delivered(sent=1)]
    handle = await client.start_workflow(
        "Webhook", WebhookRun(HOOK, 0), id=webhook_id_of(HOOK), task_queue=SYNC_QUEUE, start_signal="wake"
    )

    async def was_tried() -> bool:
        return "deliver_webhook" in stand_ins.asked

    await eventually(was_tried)
    await handle.signal("wake")
    await handle.result()
    return webhook_id_of(HOOK)


WEBHOOK = (Scenario(a_target_that_is_ill, skips_time=True), Scenario(woken_while_it_waits))
