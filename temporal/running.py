"""What runs, by Temporal's own list: seconds late at most, and it needs no worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from contracts.search_attributes import CHARACTER_ID, CORPORATION_ID, LAST_NEW_KILLMAIL_AT


@dataclass(frozen=True, slots=True)
class RunningSync:
    """A sync's workflow. Times are UTC. `last_new_killmail_at`: when the newest killmail happened that it brought."""

    workflow_id: str
    started_at: datetime
    last_new_killmail_at: datetime | None


async def running_pilots(client: Client) -> dict[int, RunningSync]:
    """Every `UserSync`, by character."""
    return await _running(client, "UserSync", CHARACTER_ID)


async def running_corporations(client: Client) -> dict[int, RunningSync]:
    """Every `CorporationSync`, by corporation."""
    return await _running(client, "CorporationSync", CORPORATION_ID)


async def _running(client: Client, workflow_type: str, key: SearchAttributeKey[int]) -> dict[int, RunningSync]:
    found = {}
    query = f'WorkflowType="{workflow_type}" AND ExecutionStatus="Running"'
    async for workflow in client.list_workflows(query, page_size=1000):
        attributes = workflow.typed_search_attributes
        if (subject := attributes.get(key)) is not None:
            found[subject] = RunningSync(workflow.id, workflow.start_time, attributes.get(LAST_NEW_KILLMAIL_AT))
    return found
