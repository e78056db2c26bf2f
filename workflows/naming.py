"""`KillmailNaming`: names for a few killmails that came by another way than a sync."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.common import Priority

from contracts import activities
from contracts.sync import NamedEntities, NameEntities

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call

PRIORITY = Priority(priority_key=1, fairness_key="naming")


@workflow.defn(name="KillmailNaming")
class KillmailNaming:
    """Id `killmail-naming-<killmail_id>`, or `old-killmail-naming-<the first of them>`; queue `sync`."""

    @workflow.run
    async def run(self, request: NameEntities) -> NamedEntities:
        entities, systems = await asyncio.gather(
            call(activities.NAME_ENTITIES, request, PRIORITY),
            call(activities.DESCRIBE_SOLAR_SYSTEMS, request, PRIORITY),
        )
        return NamedEntities(entities.unknown + systems.unknown, entities.named + systems.named)
