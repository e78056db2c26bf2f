"""Wake a webhook. Raises as `temporal/handles.py` says."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import Priority

from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.webhooks import WebhookRun, webhook_id_of
from temporal.handles import start_or_join

GATHER_SECONDS = 10.0
"""What arrives within this is told together, and has its names by then."""


async def wake_webhook(client: Client, webhook_id: int, *, at_once: bool = False) -> None:
    """It has something to do: start its workflow, or tell the one that runs."""
    await start_or_join(
        client,
        "Webhook",
        WebhookRun(webhook_id, 0 if at_once else GATHER_SECONDS),
        workflow_id=webhook_id_of(webhook_id),
        signal="wake",
        priority=Priority(priority_key=PRIORITY_OF[CallClass.LIVE], fairness_key=webhook_id_of(webhook_id)),
    )
