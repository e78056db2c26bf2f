"""What runs, by Temporal's own list: seconds late at most, and it needs no worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from contracts.search_attributes import CHARACTER_ID, CORPORATION_ID, LAST_NEW_KILLMAIL_AT
from contracts.sync import WAITS_FOR_LOGIN

PAGE = 1000
_WAITING = ", ".join(f'"{state}"' for state in sorted(WAITS_FOR_LOGIN))


def _of_type(workflow_type: str) -> str:
    return f'WorkflowType="{workflow_type}" AND ExecutionStatus="Running"'


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
    async for workflow in client.list_workflows(_of_type(workflow_type), page_size=PAGE):
        attributes = workflow.typed_search_attributes
        if (subject := attributes.get(key)) is not None:
            found[subject] = RunningSync(workflow.id, workflow.start_time, attributes.get(LAST_NEW_KILLMAIL_AT))
    return found


async def count_at_work(client: Client, workflow_type: str) -> int:
    """How many of this type run and do not wait for a permission."""
    query = f"{_of_type(workflow_type)} AND SyncState NOT IN ({_WAITING})"
    return (await client.count_workflows(query)).count


async def running_between(
    client: Client, workflow_type: str, key: SearchAttributeKey[int], first: int, last: int
) -> set[int]:
    """Whose workflows run, of those with ids from `first` to `last`."""
    query = f"{_of_type(workflow_type)} AND {key.name} >= {first} AND {key.name} <= {last}"
    return {subject async for subject in _subjects(client, query, key)}


async def waiting_for_permission(
    client: Client, workflow_type: str, key: SearchAttributeKey[int]
) -> AsyncIterator[list[int]]:
    """Whose workflows run and wait for a permission, some at a time."""
    some: list[int] = []
    async for subject in _subjects(client, f"{_of_type(workflow_type)} AND SyncState IN ({_WAITING})", key):
        some.append(subject)
        if len(some) == PAGE:
            yield some
            some = []
    if some:
        yield some


async def _subjects(client: Client, query: str, key: SearchAttributeKey[int]) -> AsyncIterator[int]:
    async for workflow in client.list_workflows(query, page_size=PAGE):
        if (subject := workflow.typed_search_attributes.get(key)) is not None:
            yield subject
