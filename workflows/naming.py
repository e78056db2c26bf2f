"""`KillmailNaming`: names for a few killmails that came by another way than a sync."""

from __future__ import annotations

import asyncio

from temporalio import workflow

from contracts import activities
from contracts.call_classes import CallClass, naming_priority
from contracts.sync import NamedEntities, NameEntities

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call


@workflow.defn(name="KillmailNaming")
class KillmailNaming:
    """Id `killmail-naming-<killmail_id>`, or `old-killmail-naming-<the first of them>`; queue `sync`."""

    @workflow.run
    async def run(self, request: NameEntities) -> NamedEntities:
        priority = naming_priority(CallClass(request.call_class))
        entities, systems = await asyncio.gather(
            call(activities.NAME_ENTITIES, request, priority),
            call(activities.DESCRIBE_SOLAR_SYSTEMS, request, priority),
        )
        return NamedEntities(entities.unknown + systems.unknown, entities.named + systems.named)
