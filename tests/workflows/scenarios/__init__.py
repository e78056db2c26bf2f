"""What happens to a workflow before its history is recorded; `tests/workflows/record_histories.py` plays it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio.client import Client

from tests.workflows.scripted import Scripted
from tests.workflows.waiting import eventually

Play = Callable[[Client, Scripted], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`play` answers whose history it was: a workflow's id (its newest run), or `id/run id`.

    `continues_after`: events of a run until the server suggests a new one. `skips_time`: on the server that lets
    hours pass at once; the others run on the real one.
    """

    play: Play
    continues_after: int | None = None
    skips_time: bool = False

    @property
    def name(self) -> str:
        return self.play.__name__


async def run_of(client: Client, workflow_id: str) -> str:
    """The newest run's id."""
    run_id: str = (await client.get_workflow_handle(workflow_id).describe()).run_id
    return run_id


async def next_run(client: Client, workflow_id: str, after: str) -> str:
    """The newest run's id, once the workflow has continued as new."""

    async def has_continued() -> bool:
        return await run_of(client, workflow_id) != after

    await eventually(has_continued)
    return await run_of(client, workflow_id)
