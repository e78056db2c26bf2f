"""Start the workflows that look up names and details. Raises as `temporal/handles.py` says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import Priority
from temporalio.service import RPCError

from contracts.call_classes import PRIORITY_OF, CallClass, naming_priority
from contracts.sync import NameEntities
from contracts.universe import ENRICHMENT_ID, NAME_REFRESH_ID, NameRefreshReport
from temporal.handles import start_or_join

logger = logging.getLogger(__name__)


async def name_killmail(client: Client, killmail_id: int, after: timedelta) -> None:
    """Have what a killmail mentions named, `after` from now: to be ordered before it is stored, so that no crash in
    between leaves it without names.
    """
    await name_new_killmails(client, [killmail_id], after)


async def name_new_killmails(client: Client, killmail_ids: Sequence[int], after: timedelta) -> None:
    """The same for up to `contracts.sync.KILLMAIL_BATCH` of them."""
    await _name(client, f"killmail-naming-{killmail_ids[0]}", killmail_ids, CallClass.LIVE, after)


async def name_old_killmails(client: Client, killmail_ids: Sequence[int], after: timedelta) -> None:
    """The same for up to `contracts.sync.KILLMAIL_BATCH` killmails that nobody waits for."""
    await _name(client, f"old-killmail-naming-{killmail_ids[0]}", killmail_ids, CallClass.BACKFILL, after)


async def _name(
    client: Client, workflow_id: str, killmail_ids: Sequence[int], call_class: CallClass, after: timedelta
) -> None:
    await start_or_join(
        client,
        "KillmailNaming",
        NameEntities(list(killmail_ids), call_class),
        workflow_id=workflow_id,
        priority=naming_priority(call_class),
        delay=after,
    )


async def wake_enrichment(client: Client) -> None:
    """Start `Enrichment`, or tell the running one that there is more. Failing is no harm: the next one asks too."""
    try:
        await start_or_join(
            client,
            "Enrichment",
            workflow_id=ENRICHMENT_ID,
            signal="wanted",
            priority=Priority(priority_key=PRIORITY_OF[CallClass.REFRESH], fairness_key="enrichment"),
        )
    except RPCError as error:
        logger.warning("Enrichment could not be started (%s); what is wanted stays on record.", error)


async def refresh_names_now(client: Client) -> NameRefreshReport:
    """Run `NameRefresh` and wait for its end; join the run that was started this way before and still goes on.

    Raises:
        WorkflowFailureError: the run was cancelled or terminated.
    """
    handle = await start_or_join(
        client, "NameRefresh", workflow_id=f"{NAME_REFRESH_ID}-now", result_type=NameRefreshReport
    )
    return await handle.result()
